// Between an inspector that stands in a frame, and the kernel that made it. Nothing is shown: a saved notebook holds no
// widget that could be missing. The frame is a sandbox, so it asks by a message, and is known by a name nobody guesses.

function initialize({ model }) {
  const asked = new Map(); // id -> who asked, and by which id of its own
  let lastId = 0;

  function hear({ source, data }) {
    if (typeof data?.linus !== "string" || data.type !== "value") return;
    lastId += 1;
    asked.set(lastId, { source, id: data.id });
    model.send({ type: "value", id: lastId, link: data.linus, path: data.path, where: data.where });
  }

  function answer({ id, link, text, problem }) {
    const { source, id: theirs } = asked.get(id) ?? {};
    asked.delete(id);
    // the kernel of another notebook, which does not know the name, gives no link back, and leaves the answer to its own
    if (source && link) source.postMessage({ linus: link, id: theirs, text, problem }, "*"); // a sandbox has no address
  }

  window.addEventListener("message", hear);
  model.on("msg:custom", answer);
  return () => {
    window.removeEventListener("message", hear);
    model.off("msg:custom", answer);
  };
}

export default { initialize };
