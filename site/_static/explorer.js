// The kernel explorer: a 3 × 3 kernel, a picture, and how each number of the result comes about.
// PICTURE and KERNELS come from explorer-data.js.
"use strict";

const explorer = (() => {
  const K = 3;
  const MOST_PADDING = 2; // the pictures are drawn to one scale, with room for this
  const CELL = 8; // canvas pixels a number; the page scales the canvas

  /** How many outputs there are along one axis. */
  const outputSize = (size, stride, padding) => Math.floor((size - K + 2 * padding) / stride) + 1;

  /** The picture (rows of numbers) with a border of zeros. */
  function padded(picture, padding) {
    const side = Array(padding).fill(0);
    const level = Array.from({ length: padding }, () => Array(picture[0].length + 2 * padding).fill(0));
    return [...level, ...picture.map((row) => [...side, ...row, ...side]), ...level];
  }

  /** The nine products, row by row, of the kernel laid on `field` at output (i, j). */
  const productsAt = (field, kernel, stride, i, j) =>
    kernel.map((row, a) => row.map((w, b) => w * field[i * stride + a][j * stride + b]));

  const sum = (grid) => grid.flat().reduce((total, value) => total + value, 0);

  /** Cross-correlation, as PyTorch's F.conv2d: the kernel is not flipped. */
  function conv2d(picture, kernel, stride, padding) {
    const field = padded(picture, padding);
    const rows = outputSize(picture.length, stride, padding);
    const columns = outputSize(picture[0].length, stride, padding);
    return Array.from({ length: rows }, (_, i) =>
      Array.from({ length: columns }, (_, j) => sum(productsAt(field, kernel, stride, i, j))));
  }

  /** Below which 99 of 100 of the values lie, interpolated as in NumPy. */
  function percentile99(values) {
    const sorted = [...values].sort((a, b) => a - b);
    const place = 0.99 * (sorted.length - 1);
    const low = Math.floor(place);
    const high = Math.min(low + 1, sorted.length - 1);
    return sorted[low] + (place - low) * (sorted[high] - sorted[low]);
  }

  /** Greys 0–255 to draw a result with; the rule of helpers.lessons.filters.filtered. */
  function greys(output, kernel) {
    if (!isEdgeKernel(kernel)) return output.map((row) => row.map(clip));
    const limit = Math.max(percentile99(output.flat().map(Math.abs)), 1e-6);
    return output.map((row) => row.map((value) => clip(127.5 + (127.5 * value) / limit)));
  }
  const isEdgeKernel = (kernel) => Math.abs(sum(kernel)) < 1e-6;
  const clip = (value) => Math.min(255, Math.max(0, Math.round(value)));

  /** A number as text: at most four decimals, a true minus sign. */
  const text = (value) => String(Math.round(value * 1e4) / 1e4 + 0).replace("-", "−");
  const factor = (value) => (value < 0 ? `(${text(value)})` : text(value));

  const find = (id) => document.getElementById(id);
  const state = { kernel: [], stride: 1, padding: 0, row: 15, column: 12, field: [], output: [] };

  function readInputs() {
    const numbers = [...find("kernel").children].map((input) => {
      const value = input.valueAsNumber;
      input.setAttribute("aria-invalid", String(Number.isNaN(value)));
      return Number.isNaN(value) ? 0 : value;
    });
    state.kernel = [0, 3, 6].map((start) => numbers.slice(start, start + 3));
    state.stride = Number(find("stride").value);
    state.padding = Number(find("padding").value);
  }

  function update() {
    readInputs();
    const { kernel, stride, padding } = state;
    state.field = padded(PICTURE, padding);
    state.output = conv2d(PICTURE, kernel, stride, padding);
    const missing = [...find("kernel").children].some((i) => i.getAttribute("aria-invalid") === "true");
    find("kernel-sum").textContent = `The nine numbers add up to ${text(sum(kernel))}.` +
      (missing ? " An empty cell counts as 0." : "");
    const size = PICTURE.length;
    find("size").textContent = `⌊(${size} − ${K} + 2·${padding}) / ${stride}⌋ + 1 = ` +
      `⌊${size - K + 2 * padding} / ${stride}⌋ + 1 = ${state.output.length}, ` +
      `so ${state.output.length} × ${state.output[0].length} numbers`;
    find("drawn").textContent = isEdgeKernel(kernel)
      ? "Drawn with 0 as mid-grey, positive lighter, negative darker."
      : "Drawn as brightness, cut off below 0 and above 255.";
    point(state.row, state.column);
  }

  /** Move the pointer to output (row, column), or as near as there is one. */
  function point(row, column) {
    const { kernel, stride, padding, field, output } = state;
    const within = (value, length) => Math.min(length - 1, Math.max(0, value));
    state.row = within(row, output.length);
    state.column = within(column, output[0].length);
    const top = state.row * stride;
    const left = state.column * stride;
    draw(find("input"), field, [left, top, K], padding);
    draw(find("output"), greys(output, kernel), [state.column, state.row, 1], 0);

    const products = productsAt(field, kernel, stride, state.row, state.column);
    find("products").replaceChildren(...products.map((productRow, a) => {
      const line = document.createElement("tr");
      line.append(...productRow.map((product, b) => {
        const cell = document.createElement("td");
        const inside = PICTURE[top + a - padding]?.[left + b - padding] !== undefined;
        cell.className = inside ? "" : "in-padding";
        cell.innerHTML = `${factor(kernel[a][b])} × ${field[top + a][left + b]}<br>= ${text(product)}`;
        return cell;
      }));
      return line;
    }));
    find("sum").textContent = `Row ${state.row}, column ${state.column}: ` +
      `${products.flat().map(factor).join(" + ")} = ${text(output[state.row][state.column])}`;
  }

  /** Draw numbers as greys, the padding in blue, and a frame around [left, top, cells]. */
  function draw(canvas, grid, [left, top, cells], padding) {
    const rows = grid.length;
    const columns = grid[0].length;
    const scale = 100 / (PICTURE[0].length + 2 * MOST_PADDING);
    canvas.width = columns * CELL;
    canvas.height = rows * CELL;
    canvas.style.width = `${columns * scale}%`;
    const pen = canvas.getContext("2d");
    grid.forEach((row, i) => row.forEach((value, j) => {
      const inside = Math.min(i, j) >= padding && i < rows - padding && j < columns - padding;
      pen.fillStyle = inside ? `rgb(${value} ${value} ${value})` : "#0072B2";
      pen.fillRect(j * CELL, i * CELL, CELL, CELL);
    }));
    for (const [color, width] of [["black", 6], ["#E69F00", 3]]) {
      pen.strokeStyle = color;
      pen.lineWidth = width;
      pen.strokeRect(left * CELL - 3, top * CELL - 3, cells * CELL + 6, cells * CELL + 6);
    }
  }

  /** The cell of a canvas below a mouse or a finger. */
  function cellBelow(event) {
    const box = event.target.getBoundingClientRect();
    const at = (offset, length, pixels) => Math.floor((offset / length) * (pixels / CELL));
    return [
      at(event.clientY - box.top, box.height, event.target.height),
      at(event.clientX - box.left, box.width, event.target.width),
    ];
  }

  function onPointer(event) {
    const [row, column] = cellBelow(event);
    const isInput = event.target === find("input"); // there the kernel's middle follows
    const output = (place) => (isInput ? Math.round((place - 1) / state.stride) : place);
    point(output(row), output(column));
  }

  const MOVES = {
    ArrowUp: ({ row, column }) => [row - 1, column],
    ArrowDown: ({ row, column }) => [row + 1, column],
    ArrowLeft: ({ row, column }) => [row, column - 1],
    ArrowRight: ({ row, column }) => [row, column + 1],
    Home: ({ row }) => [row, 0],
    End: ({ row }) => [row, Infinity],
  };

  function onKey(event) {
    const plain = !(event.ctrlKey || event.metaKey || event.altKey); // leave the browser's own alone
    if (plain && event.key in MOVES) {
      event.preventDefault(); // do not scroll
      point(...MOVES[event.key](state));
    }
  }

  function choose() {
    const numbers = KERNELS[find("preset").value];
    if (numbers) {
      [...find("kernel").children].forEach((input, i) => {
        input.value = Math.round(numbers.flat()[i] * 1e4) / 1e4;
      });
    }
    update();
  }

  function start() {
    for (const name of ["your own", ...Object.keys(KERNELS)]) find("preset").add(new Option(name));
    find("preset").value = "vertical edges (Sobel)";
    for (let i = 0; i < K * K; i++) {
      const input = document.createElement("input");
      Object.assign(input, { type: "number", step: "any" });
      input.setAttribute("aria-label", `Kernel, row ${Math.floor(i / K)}, column ${i % K}`);
      input.addEventListener("input", () => {
        find("preset").value = "your own";
        update();
      });
      find("kernel").append(input);
    }
    find("preset").addEventListener("input", choose);
    for (const id of ["stride", "padding"]) find(id).addEventListener("input", update);
    for (const id of ["input", "output"]) {
      find(id).addEventListener("pointermove", onPointer);
      find(id).addEventListener("pointerdown", onPointer);
      find(id).addEventListener("keydown", onKey);
    }
    choose();
  }

  if (find("explorer")) start();
  return { conv2d, greys, outputSize, state };
})();
