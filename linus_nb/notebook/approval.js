// A question about a tool call. What is seen goes to the kernel with the click, in one message: a model's traits would
// not do, as an update that follows another one waits until the kernel is idle, which it is not while a cell awaits.
// All that comes from the kernel is set as text.

let count = 0; // for ids: a label has to name its field

function element(tag, className, text = "") {
  const made = document.createElement(tag);
  made.className = className;
  made.textContent = text;
  return made;
}

function row(field) {
  const label = element("label", "", field.name);
  const input = element(field.rows > 1 ? "textarea" : "input", "linus-value");
  if (field.rows > 1) input.rows = field.rows;
  input.id = label.htmlFor = `linus-ask-${++count}`;
  input.value = field.text;
  input.placeholder = field.placeholder;
  input.title = field.hint;
  input.spellcheck = false;
  return { label, input };
}

function button(className, text, title) {
  const made = element("button", className, text);
  made.type = "button";
  made.title = title;
  return made;
}

function render({ model, el }) {
  const question = model.get("question");
  const root = element("div", "linus-card linus-ask");
  const head = element("div", "linus-head");
  const values = element("div", "linus-values");
  const problem = element("div", "linus-problem");
  const buttons = element("div", "linus-buttons");
  const yes = button("linus-yes", "Run it", "Run the tool with the arguments above (Enter)");
  const no = button("linus-no", "Refuse", "Do not run the tool, and tell the model (Esc)");
  const reason = element("input", "linus-reason");
  const again = element("label", "linus-again");
  const always = element("input", "");
  const rows = question.fields.map(row);

  root.setAttribute("role", "group");
  root.setAttribute("aria-label", `${question.who} asks to run ${question.tool}`);
  head.setAttribute("role", "status");
  problem.setAttribute("role", "alert");
  reason.placeholder = "why not? (optional; the model is told)";
  reason.setAttribute("aria-label", "Why not (optional; the model is told)");
  always.type = "checkbox";
  again.append(always, " do not ask about this tool again in this run");
  head.append(
    element("span", "linus-partial", question.glyph), " ", element("b", "", question.who), " asks to run ",
    element("b", "", question.tool), element("div", "linus-about", question.about),
  );
  for (const { label, input } of rows) values.append(label, input);
  buttons.append(yes, no, reason, again);
  root.append(head, values, problem, buttons);
  el.append(root);

  function lock(locked) {
    for (const control of root.querySelectorAll("button, input, textarea")) control.disabled = locked;
  }

  function send(answer) {
    if (yes.disabled) return; // answered already
    problem.textContent = "";
    lock(true);
    model.send(answer);
  }

  const run = () => send({ type: "run", texts: rows.map(({ input }) => input.value), always: always.checked });
  const refuse = () => send({ type: "refuse", reason: reason.value });

  yes.addEventListener("click", run);
  no.addEventListener("click", refuse);
  root.addEventListener("keydown", (event) => {
    event.stopPropagation(); // an x typed on a button would cut the cell
    if (event.isComposing) return; // Enter and Esc belong to an input method
    if (event.key === "Escape") refuse();
    else if (event.key === "Enter" && event.target.tagName === "INPUT") (event.target === reason ? refuse : run)();
    else return;
    event.preventDefault();
  });

  function hear(message) {
    lock(false);
    problem.textContent = message.problem;
    rows[message.field]?.input.focus();
  }

  model.on("msg:custom", hear);
  return () => model.off("msg:custom", hear);
}

export default { render };
