// The live view of a run. The kernel sends what changed, at most ten times a second; the seconds that tick are counted
// here. All that comes from the kernel is set as text, but for the picture, which the kernel drew and escaped.

const SILENT_MS = 6000; // the kernel sends a sign of life every two seconds, unless something keeps its loop busy
const TICK_MS = 100;

function element(tag, className, text = "") {
  const made = document.createElement(tag);
  made.className = className;
  made.textContent = text;
  return made;
}

function figures(value) {
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2);
}

function seconds(value) {
  if (value < 119.95) return `${figures(Math.max(0, value))} s`;
  const whole = Math.round(value);
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}

function render({ model, el }) {
  const glyphs = model.get("glyphs");
  const root = element("div", "linus-card linus-live mathjax_ignore tex2jax_ignore");
  const head = element("div", "linus-head");
  const title = element("b", "", model.get("head").name);
  const facts = element("span", "linus-muted");
  const stop = element("button", "linus-stop", `${glyphs.cancelled} Stop`);
  const bar = element("div", "linus-bar");
  const filled = element("div", "linus-fill-running");
  const drawing = element("div", "linus-drawing");
  const panes = element("div", "linus-panes");
  const heard = element("div", "linus-heard");
  const said = element("span", "");

  stop.type = "button";
  stop.title = "End this run, and keep what is done";
  heard.setAttribute("role", "status");
  bar.setAttribute("role", "progressbar");
  bar.setAttribute("aria-label", "nodes done");
  said.append(title, " ", facts);
  head.append(said, stop);
  bar.append(filled);
  root.append(head, bar, drawing, panes, heard);
  el.append(root);

  let arrived = performance.now();
  let groups = [];
  const nodes = [];
  const now = () => model.get("now_s") + (performance.now() - arrived) / 1000;

  stop.addEventListener("click", () => {
    stop.disabled = true;
    stop.textContent = "Stopping…";
    model.send({ type: "stop" });
  });

  function showHead() {
    const page = model.get("head");
    const left = page.left_s === null ? 0 : page.left_s - now();
    const silent = performance.now() - arrived > SILENT_MS;
    const parts = [`${page.before} ${seconds(now())}`, page.after];
    if (left > 0 && page.done < page.total) parts.splice(1, 0, `about ${left < 9.5 ? `${Math.max(1, Math.round(left))} s` : seconds(left)} left`);
    if (silent) parts.push("something keeps the kernel busy");
    facts.textContent = parts.filter(Boolean).join(" · ");
    const share = page.total ? (100 * page.done) / page.total : 0;
    filled.style.width = `${share}%`;
    bar.setAttribute("aria-valuenow", share.toFixed(0));
  }

  function showNode(group, node) {
    const waits = node.until_s !== null && node.until_s > now();
    const status = waits ? "waiting" : node.status;
    if (group.status !== status) {
      group.status = status;
      group.at.setAttribute("class", `node ${status}`);
      group.glyph.textContent = glyphs[status];
    }
    const time = waits ? `again in ${seconds(node.until_s - now())}`
      : node.since_s === null ? "" : seconds(now() - node.since_s);
    const line = [time, node.line].filter(Boolean).join(" · ");
    if (group.text !== line) {
      group.text = line;
      group.line.textContent = line;
    }
  }

  function takeNodes() {
    Object.entries(model.get("nodes")).forEach(([k, node]) => { nodes[k] = node; });
    showNodes();
  }

  function showNodes() {
    groups.forEach((group, k) => nodes[k] && showNode(group, nodes[k]));
  }

  function showPicture() {
    drawing.innerHTML = model.get("picture");
    drawing.hidden = !model.get("picture");
    groups = [...drawing.querySelectorAll("g.node")].map((at) => ({
      at,
      glyph: at.querySelector(".glyph"),
      line: at.querySelector(".line"),
    }));
    drawing.querySelectorAll("g.node > title").forEach((tip) => tip.remove()); // of a node before it ran
    takeNodes();
  }

  function showPanes() {
    const wanted = model.get("panes");
    panes.hidden = wanted.length === 0;
    while (panes.children.length > wanted.length) panes.lastChild.remove();
    wanted.forEach((pane, k) => {
      let shown = panes.children[k];
      if (!shown) {
        shown = element("div", "linus-pane");
        const name = element("b", "linus-ink-running");
        const text = element("div", "linus-said");
        text.append(element("div", ""));
        shown.append(name, text);
        panes.append(shown);
      }
      shown.firstChild.textContent = `${glyphs.running} ${pane.name}`;
      shown.lastChild.firstChild.textContent = pane.text; // its last lines are seen
    });
  }

  function showSummary() {
    heard.textContent = model.get("summary");
  }

  function tick() {
    showHead();
    if (performance.now() - arrived < SILENT_MS) showNodes(); // what nobody vouches for does not go on counting
  }

  const clock = setInterval(tick, TICK_MS);
  const shown = { picture: showPicture, nodes: takeNodes, panes: showPanes, summary: showSummary, head: showHead };
  const listeners = Object.entries(shown).map(([name, show]) => [`change:${name}`, show]);
  listeners.unshift(["change:now_s", () => { arrived = performance.now(); }]);
  listeners.forEach(([name, listener]) => model.on(name, listener));
  showPicture();
  showPanes();
  showSummary();
  tick();
  model.send({ type: "open" }); // the model holds only what changed last
  return () => {
    clearInterval(clock);
    listeners.forEach(([name, listener]) => model.off(name, listener));
  };
}

export default { render };
