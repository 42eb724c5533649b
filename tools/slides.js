// Breaks each section of a lesson into pages that fit on the screen, then starts reveal.js.
// A page is measured in #source, where it has the same width and type as on the screen.
const HEIGHT = 680; // of the 720, the rest is margin
const source = document.getElementById("source");

const wide = (page) => [...page.querySelectorAll("pre, table")].some(
  (part) => part.scrollWidth > part.clientWidth + 1 || part.offsetWidth > page.offsetWidth + 1);
const fits = (page) => page.offsetHeight <= HEIGHT && !wide(page);

// Makes one kind of thing on a page smaller, step by step, until the page fits.
function shrink(page, selector, steps, apply) {
  for (const step of steps) {
    if (fits(page)) break;
    for (const part of page.querySelectorAll(selector)) apply(part, step);
  }
  return fits(page);
}

// A figure is drawn larger than in the lesson: its letters must be read from the last row.
function scale(image, factor = 1.5) {
  const largest = Math.min(1180 / image.naturalWidth, 610 / image.naturalHeight);
  image.style.height = `${image.naturalHeight * Math.min(factor, largest)}px`;
}

const fontSize = (part, size) => { part.style.fontSize = `${size}px`; };

class Section {
  constructor(element) {
    this.pages = [];
    this.title = element.querySelector("h1, h2")?.textContent.trim();
    for (const group of [...element.children]) this.place([...group.children]);
  }

  newPage() {
    const page = document.createElement("div");
    page.className = "page";
    source.append(page);
    if (this.pages.length && this.title) {
      const again = document.createElement("p");
      again.className = "again";
      again.textContent = this.title;
      page.append(again);
    }
    this.pages.push(page);
    return page;
  }

  // Puts blocks that belong together on this page, on a new one, or else one by one.
  place(blocks) {
    let page = this.pages.at(-1) ?? this.newPage();
    if (blocks[0].querySelector(".notes")) return page.append(...blocks);
    const used = page.querySelector(":scope > div:not(:has(h1, h2, h3))");
    if (blocks[0].querySelector("h3") && used) page = this.newPage();
    page.append(...blocks);
    if (fits(page)) return;
    const heading = [];
    for (let last = blocks[0].previousElementSibling; last?.querySelector("h1, h2, h3");) {
      heading.unshift(last); // goes along with what follows
      last = last.previousElementSibling;
    }
    if (page.querySelector(":scope > div") !== (heading[0] ?? blocks[0])) {
      page = this.newPage();
      page.append(...heading, ...blocks);
      if (fits(page)) return;
    }
    if (shrink(page, "img", [1.3, 1.15, 1], scale)) return;
    if (shrink(page, "pre", [18, 16, 15], fontSize)) return;
    if (blocks.length > 1) return this.placeOneByOne(page, heading, blocks);
    if (shrink(page, "div > *", [23, 21, 19], fontSize)) return;
    for (const pre of page.querySelectorAll("pre")) { // code that is longer than a screen
      pre.classList.add("scroll");
      pre.style.maxHeight = `${HEIGHT - 60}px`;
    }
  }

  // A cell with outputs that is too much for one page begins on the page before, if it can.
  placeOneByOne(page, heading, blocks) {
    for (const part of page.querySelectorAll("pre")) part.removeAttribute("style");
    for (const image of page.querySelectorAll("img")) scale(image);
    for (const block of blocks) block.remove();
    if (this.pages.length > 1 && !page.querySelector(":scope > div:not(:has(h1, h2, h3))")) {
      this.pages.pop();
      this.pages.at(-1).append(...heading);
      page.remove();
      if (heading.length) this.place([...heading.splice(0), blocks.shift()]);
    }
    for (const block of blocks) this.place([block]);
  }
}

// What a cell puts out, and what is said about it, comes at the next key press.
function hideOutputs(page) {
  let step = -1;
  for (const block of page.querySelectorAll(":scope > div:not(:has(.notes))")) {
    const output = block.querySelector(":scope > img, :scope > pre.output");
    if (output && block.previousElementSibling?.querySelector(".highlight")) step += 1;
    if (step < 0) continue;
    block.classList.add("fragment");
    block.dataset.fragmentIndex = step;
  }
}

async function start() {
  const images = [...document.images];
  await Promise.all(images.map((image) => image.decode()));
  images.forEach((image) => scale(image));
  if (window.MathJax?.startup) await MathJax.startup.promise;
  const slides = document.querySelector(".slides");
  for (const element of source.querySelectorAll(".section")) {
    const stack = document.createElement("section");
    for (const page of new Section(element).pages) {
      const slide = document.createElement("section");
      hideOutputs(page);
      slide.append(page);
      stack.append(slide);
    }
    slides.append(stack);
  }
  source.remove();
  await Reveal.initialize({
    width: 1280, height: 720, margin: 0, center: false, hash: true, transition: "none",
    slideNumber: "h.v", controlsLayout: "edges", plugins: [RevealNotes],
  });
}
start();
