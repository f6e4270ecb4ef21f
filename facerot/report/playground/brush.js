/** The brush: the input painted over, with the pointer or with the keys. */

import { part } from "./dom.js";

const RADIUS = 5; // px of the image
const STEP = 2;
const ARROWS = { ArrowUp: [-STEP, 0], ArrowDown: [STEP, 0], ArrowLeft: [0, -STEP], ArrowRight: [0, STEP] };

/** What was painted over an image: (size, size, 3), NaN where nothing was. */
export class Painting {
  /**
   * @param {number} size of the image, in px
   * @param {() => void} changed is told of every stroke
   */
  constructor(size, changed) {
    Object.assign(this, { size, changed, paint: null, at: [size / 2, size / 2] });
    const canvas = part("input");
    const to = (event) => {
      const scale = size / canvas.clientWidth;
      this.move(Math.floor(event.offsetY * scale), Math.floor(event.offsetX * scale));
      this.stroke();
    };
    canvas.addEventListener("pointerdown", (event) => {
      canvas.setPointerCapture(event.pointerId);
      to(event);
    });
    canvas.addEventListener("pointermove", (event) => canvas.hasPointerCapture(event.pointerId) && to(event));
    canvas.addEventListener("keydown", (event) => this.key(event));
    part("clear").addEventListener("click", () => {
      this.paint = null;
      changed();
    });
  }

  /** The image with what was painted over it. */
  over(image) {
    const { paint } = this;
    return paint ? image.map((value, i) => (Number.isNaN(paint[i]) ? value : paint[i])) : image;
  }

  key(event) {
    const step = ARROWS[event.key];
    if (!step && event.key !== " ") return;
    event.preventDefault();
    if (step) this.move(this.at[0] + step[0], this.at[1] + step[1]);
    else this.stroke();
    part("brush").textContent = `brush at row ${this.at[0]}, column ${this.at[1]}; space paints`;
  }

  move(row, column) {
    this.at = [row, column].map((value) => Math.min(this.size - 1, Math.max(0, value)));
  }

  stroke() {
    const { size } = this;
    const [row, column] = this.at;
    const colour = [1, 3, 5].map((i) => parseInt(part("colour").value.slice(i, i + 2), 16) / 255);
    this.paint ??= new Float32Array(3 * size * size).fill(NaN);
    for (let y = Math.max(0, row - RADIUS); y <= Math.min(size - 1, row + RADIUS); y++)
      for (let x = Math.max(0, column - RADIUS); x <= Math.min(size - 1, column + RADIUS); x++)
        if ((y - row) ** 2 + (x - column) ** 2 <= RADIUS ** 2) this.paint.set(colour, 3 * (y * size + x));
    this.changed();
  }
}
