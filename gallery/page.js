"use strict";
(() => {
  const status = document.querySelector("[role=status]");

  // Pages opened over plain http have no clipboard interface; selecting and copying still works there.
  const copy = async (code) => {
    try {
      await navigator.clipboard.writeText(code.textContent);
    } catch {
      getSelection().selectAllChildren(code);
      document.execCommand("copy");
      getSelection().removeAllRanges();
    }
  };

  for (const code of document.querySelectorAll("th code")) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "copy";
    button.title = "Copy";
    code.before(button);
    button.append(code);
    button.addEventListener("click", async () => {
      await copy(code);
      status.textContent = `Copied ${code.textContent}`;
      button.dataset.copied = "";
      setTimeout(() => delete button.dataset.copied, 1200);
    });
  }

  const ways = { Escape: ".close", ArrowLeft: ".previous", ArrowRight: ".next" };
  addEventListener("keydown", (event) => {
    if (!event.altKey && !event.ctrlKey && !event.metaKey && event.key in ways)
      document.querySelector(`.view:target ${ways[event.key]}`)?.click();
  });
})();
