/** A photo of one's own: chosen, dropped or pasted, then cut by dragging or by three sliders. */

import { part } from "./dom.js";
import { cut, draw, readPicture } from "./images.js";

const SLIDERS = { zoom: 100, left: 50, top: 50 }; // in %

/**
 * Make the page take photos.
 * @param {number} size of the image that the network sees, in px
 * @param {(image: Float32Array) => void} taken is told of every cut, (size, size, 3) in [0, 1]
 */
export function takePhotos(size, taken) {
  let picture = null;

  const cutPhoto = () => {
    const [zoom, left, top] = Object.keys(SLIDERS).map((name) => Number(part(name).value));
    const side = Math.round((Math.min(picture.width, picture.height) * 100) / zoom);
    const square = { x: ((picture.width - side) * left) / 100, y: ((picture.height - side) * top) / 100, side };
    const image = cut(picture, square, size);
    draw(part("preview"), image, size);
    taken(image);
  };

  const take = async (file) => {
    if (!file) return;
    try {
      picture = await readPicture(file);
    } catch {
      part("refused").textContent = `${file.name}: this browser cannot read it as a picture; a JPEG, PNG or WebP will do`;
      return;
    }
    part("refused").textContent = "";
    part("crop").hidden = false;
    for (const [name, value] of Object.entries(SLIDERS)) part(name).value = value;
    cutPhoto();
  };

  part("photo").addEventListener("change", (event) => take(event.target.files[0]));
  document.addEventListener("paste", (event) => take(event.clipboardData.files[0]));
  acceptDrops(part("drop"), take);
  for (const name of Object.keys(SLIDERS)) part(name).addEventListener("input", cutPhoto);
  dragged(part("preview"), (across, down) => {
    part("left").value = Number(part("left").value) - 100 * across;
    part("top").value = Number(part("top").value) - 100 * down;
    cutPhoto();
  });
}

function acceptDrops(place, take) {
  const over = (event, on) => {
    event.preventDefault(); // else the browser leaves the page for the photo
    place.classList.toggle("over", on);
  };
  for (const kind of ["dragenter", "dragover"]) place.addEventListener(kind, (event) => over(event, true));
  place.addEventListener("dragleave", (event) => over(event, false));
  place.addEventListener("drop", (event) => {
    over(event, false);
    take(event.dataTransfer.files[0]);
  });
}

/** Tell how far a pointer that is held down moves, as shares of the element. */
function dragged(element, moved) {
  element.addEventListener("pointerdown", (event) => element.setPointerCapture(event.pointerId));
  element.addEventListener("pointermove", (event) => {
    if (!element.hasPointerCapture(event.pointerId)) return;
    moved(event.movementX / element.clientWidth, event.movementY / element.clientHeight);
  });
}
