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

  // The picture is in the page already; a blob, because browsers refuse to download long data URLs.
  const save = (image, name) => {
    const [header, data] = image.src.split(",");
    const bytes = Uint8Array.from(atob(data), (character) => character.charCodeAt(0));
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([bytes], { type: header.slice(5, header.indexOf(";")) }));
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  };

  for (const file of document.querySelectorAll(".file")) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "save";
    button.title = `Download ${file.dataset.name}`;
    button.append(...file.childNodes);
    file.append(button);
    button.addEventListener("click", () => {
      save(file.closest("figure").querySelector("img"), file.dataset.name);
      status.textContent = `Downloaded ${file.dataset.name}`;
    });
  }

  const ways = { Escape: ".close", ArrowLeft: ".previous", ArrowRight: ".next" };
  addEventListener("keydown", (event) => {
    if (!event.altKey && !event.ctrlKey && !event.metaKey && event.key in ways)
      document.querySelector(`.view:target ${ways[event.key]}`)?.click();
  });
})();
