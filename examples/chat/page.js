// The first line that is entered is the name, and joins; each further one is said.

const lines = document.getElementById("lines");
const form = document.getElementById("form");
const input = document.getElementById("input");

const socket = new WebSocket(
  `ws://${location.hostname}:${document.body.dataset.wsPort}`,
);
let isIn = false;

/** Adds a line. `textContent` is never read as HTML: what others wrote stays text. */
function show(text, kind) {
  const line = document.createElement("li");
  line.className = kind;
  line.textContent = text;
  lines.append(line);
}

function setIn(value) {
  isIn = value;
  input.placeholder = value ? "Say something" : "Your name";
}

socket.addEventListener("message", ({ data }) => {
  const message = JSON.parse(data);
  switch (message.type) {
    case "welcome":
      setIn(true);
      show(`You are in, with ${message.names.join(", ") || "nobody"}`, "note");
      break;
    case "refused":
      show(message.reason, "note");
      break;
    case "joined":
      show(`${message.name} has joined`, "note");
      break;
    case "left":
      show(`${message.name} has left`, "note");
      break;
    case "said":
      show(`${message.name}: ${message.text}`, "text");
      break;
  }
});

socket.addEventListener("close", () => {
  setIn(false);
  show("The connection has ended: reload the page to come back", "note");
});

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const text = input.value.trim();
  input.value = "";
  if (text === "" || socket.readyState !== 1) return;
  socket.send(JSON.stringify(
    isIn ? { type: "say", text } : { type: "join", name: text },
  ));
});
