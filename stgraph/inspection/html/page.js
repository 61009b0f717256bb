"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const { nodes, edges, captions } = data;
  const NS = "http://www.w3.org/2000/svg";
  const GAP = 28, HEAD = 22;
  const find = (id) => document.getElementById(id);
  const shape = (name, attributes, parent) => {
    const found = document.createElementNS(NS, name);
    for (const [key, value] of Object.entries(attributes)) found.setAttribute(key, value);
    if (parent) parent.append(found);
    return found;
  };
  const label = (text, attributes, parent) => { shape("text", attributes, parent).textContent = text; };
  const arrow = (svg, id) => {
    const marker = shape("marker", { id, viewBox: "0 0 8 8", refX: 8, refY: 4, markerWidth: 5, markerHeight: 5, orient: "auto-start-reverse" }, shape("defs", {}, svg));
    shape("path", { d: "M0 0L8 4L0 8z", fill: "context-stroke" }, marker);
  };

  // Frames side by side, with boxes and edges over them.
  const high = 190, scale = high / data.height, wide = data.width * scale;
  const panel = (t) => GAP / 2 + t * (wide + GAP);
  const total = data.frames.length * (wide + GAP);
  const strip = shape("svg", { width: total, height: high + HEAD + 6, viewBox: `0 0 ${total} ${high + HEAD + 6}`, role: "img", "aria-label": "Frames", id: "strip" }, find("frames"));
  arrow(strip, "tip");
  data.frames.forEach((frame, t) => {
    const group = shape("g", {}, strip);
    label(frame.title, { x: panel(t), y: 14, "font-size": 11 }, group);
    shape("rect", { x: panel(t), y: HEAD, width: wide, height: high, fill: "var(--panel)", stroke: "var(--line)" }, group);
    if (frame.image) shape("image", { href: frame.image, x: panel(t), y: HEAD, width: wide, height: high, preserveAspectRatio: "none" }, group);
    shape("rect", { x: panel(t) - 3, y: HEAD - 3, width: wide + 6, height: high + 6, fill: "none", stroke: "var(--accent)", "stroke-width": 0, class: "lit" }, group);
  });
  const lit = [...strip.querySelectorAll(".lit")];
  const spot = (node) => [panel(node.column) + (node.box[0] + node.box[2]) / 2 * scale, HEAD + (node.box[1] + node.box[3]) / 2 * scale];
  const overlay = shape("g", {}, strip);
  const boxes = nodes.map((node) => {
    const [x1, y1, x2, y2] = node.box;
    const box = shape("rect", { x: panel(node.column) + x1 * scale, y: HEAD + y1 * scale, width: Math.max(x2 - x1, 0) * scale, height: Math.max(y2 - y1, 0) * scale, fill: node.colour, "fill-opacity": 0, stroke: node.colour, "stroke-width": 2 }, strip);
    shape("title", {}, box).textContent = node.title;
    return box;
  });

  // On paper the strip is cut into rows, and what is folded is open.
  addEventListener("beforeprint", () => {
    const rows = find("printed"), step = wide + GAP, columns = Math.max(1, Math.round(1000 / step)), height = high + HEAD + 6;
    rows.replaceChildren();
    for (let t = 0; t < data.frames.length; t += columns) {
      shape("use", { href: "#strip" }, shape("svg", { viewBox: `${t * step} 0 ${columns * step} ${height}` }, rows));
    }
    document.querySelectorAll("details").forEach((each) => { each.open = true; });
  });

  // The graph alone: a column per frame.
  const drawing = find("graph");
  arrow(drawing, "point");
  const rows = new Map();
  const places = nodes.map((node) => {
    const row = rows.get(node.column) || 0;
    rows.set(node.column, row + 1);
    return [60 + node.column * 110, 60 + row * 110];
  });
  const most = Math.max(1, ...rows.values());
  const whole = [0, 0, 10 + Math.max(1, data.frames.length) * 110, 50 + most * 110];
  let view = [...whole];
  const show = () => drawing.setAttribute("viewBox", view.join(" "));
  const zoom = (factor, x = 0.5, y = 0.5) => {
    const [left, top, width, height] = view;
    view = [left + width * x * (1 - factor), top + height * y * (1 - factor), width * factor, height * factor];
    show();
  };
  const move = (x, y) => { view[0] += x * view[2]; view[1] += y * view[3]; show(); };
  const lines = shape("g", {}, drawing);
  data.frames.forEach((frame, t) => label(frame.number, { x: 60 + t * 110, y: 24, "font-size": 18, "text-anchor": "middle" }, drawing));
  const dots = nodes.map((node, i) => {
    const dot = shape("circle", { cx: places[i][0], cy: places[i][1], r: 14, fill: node.colour, stroke: "var(--ink)", "stroke-width": 1 }, drawing);
    shape("title", {}, dot).textContent = node.title;
    if (data.labels) label(node.name, { x: places[i][0], y: places[i][1] + 36, "font-size": 18, "text-anchor": "middle" }, drawing);
    return dot;
  });
  show();
  find("zoom-in").onclick = () => zoom(0.8);
  find("zoom-out").onclick = () => zoom(1.25);
  find("reset").onclick = () => { view = [...whole]; show(); };
  drawing.addEventListener("wheel", (event) => {
    event.preventDefault();
    const at = drawing.getBoundingClientRect();
    zoom(event.deltaY > 0 ? 1.15 : 0.87, (event.clientX - at.left) / at.width, (event.clientY - at.top) / at.height);
  }, { passive: false });
  let held = null;
  drawing.addEventListener("pointerdown", (event) => { held = [event.clientX, event.clientY]; drawing.setPointerCapture(event.pointerId); });
  drawing.addEventListener("pointermove", (event) => {
    if (!held) return;
    move((held[0] - event.clientX) / drawing.clientWidth, (held[1] - event.clientY) / drawing.clientHeight);
    held = [event.clientX, event.clientY];
  });
  drawing.addEventListener("pointerup", () => { held = null; });
  drawing.addEventListener("pointercancel", () => { held = null; });
  const keys = { ArrowLeft: () => move(-0.1, 0), ArrowRight: () => move(0.1, 0), ArrowUp: () => move(0, -0.1), ArrowDown: () => move(0, 0.1), "+": () => zoom(0.8), "=": () => zoom(0.8), "-": () => zoom(1.25), 0: () => find("reset").click() };
  drawing.addEventListener("keydown", (event) => {
    if (keys[event.key]) { event.preventDefault(); keys[event.key](); }
  });

  // Edges, by threshold and kind.
  const threshold = find("threshold"), space = find("space"), time = find("time");
  const draw = () => {
    const least = Number(threshold.value);
    find("threshold-value").textContent = `${least.toFixed(2)}×`;
    overlay.replaceChildren();
    lines.replaceChildren();
    let shown = 0;
    for (const [i, j, weight, share] of edges) {
      const inside = nodes[i].column === nodes[j].column;
      if (share < least || !(inside ? space : time).checked) continue;
      shown += 1;
      if (i === j) continue;
      const width = 0.75 + 2.5 * Math.min(share / data.most_share, 1);
      const stroke = inside ? "var(--soft)" : nodes[i].colour;
      const dash = inside ? { "stroke-dasharray": "3 3" } : {};
      const [[x1, y1], [x2, y2]] = [spot(nodes[i]), spot(nodes[j])];
      const line = shape("line", { x1, y1, x2, y2, stroke, "stroke-width": width, "marker-end": "url(#tip)", ...dash }, overlay);
      shape("title", {}, line).textContent = `${nodes[i].title} → ${nodes[j].title}: ${weight.toPrecision(3)}`;
      const [[a, b], [c, d]] = [places[i], places[j]];
      const bend = inside ? 70 : 0; // edges within a column would hide each other
      shape("path", { d: `M${a} ${b}Q${(a + c) / 2 + bend} ${(b + d) / 2} ${c} ${d}`, fill: "none", stroke, "stroke-width": 2 * width, "stroke-opacity": 0.8, "marker-end": "url(#point)", ...dash }, lines);
    }
    find("count").textContent = `${shown.toLocaleString("en")} of ${data.num_edges.toLocaleString("en")} edges`;
    document.body.dataset.edges = shown;
  };
  for (const control of [threshold, space, time]) control.addEventListener("input", draw);

  // The adjacency matrix; many nodes share a pixel.
  const canvas = find("matrix"), size = Math.min(Math.max(nodes.length, 1), 480);
  const cell = nodes.length ? size / nodes.length : 1, zoomed = Math.max(1, Math.floor(480 / size));
  canvas.width = canvas.height = size * zoomed;
  const paint = canvas.getContext("2d");
  const tint = () => {
    const style = getComputedStyle(document.body);
    paint.clearRect(0, 0, canvas.width, canvas.height);
    paint.fillStyle = style.getPropertyValue("--accent");
    for (const [i, j, , share] of edges) {
      paint.globalAlpha = Math.min(1, 0.1 + 0.9 * share / data.most_share);
      paint.fillRect(Math.floor(j * cell) * zoomed, Math.floor(i * cell) * zoomed, zoomed, zoomed);
    }
    paint.globalAlpha = data.frames.length > 30 ? 0.2 : 0.6;
    paint.fillStyle = style.getPropertyValue("--soft");
    nodes.forEach((node, i) => {
      if (i && nodes[i - 1].column !== node.column) {
        const at = Math.floor(i * cell) * zoomed;
        paint.fillRect(at, 0, 1, canvas.height);
        paint.fillRect(0, at, canvas.width, 1);
      }
    });
  };
  tint();
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", tint);

  // Words light up frames and objects.
  const words = [...document.querySelectorAll(".word")];
  const percent = (value) => `${(100 * value).toFixed(0)} %`;
  const light = (frameWeights, nodeWeights) => {
    const highest = Math.max(1e-9, ...(frameWeights || [0])), strongest = Math.max(1e-9, ...(nodeWeights || [0]));
    lit.forEach((frame, t) => frame.setAttribute("stroke-width", frameWeights ? 6 * frameWeights[t] / highest : 0));
    boxes.forEach((box, i) => box.setAttribute("fill-opacity", nodeWeights ? 0.6 * nodeWeights[i] / strongest : 0));
    dots.forEach((dot, i) => dot.setAttribute("r", nodeWeights ? 6 + 18 * nodeWeights[i] / strongest : 14));
  };
  const clear = () => {
    words.forEach((word) => word.setAttribute("aria-pressed", "false"));
    light(null, null);
    find("status").textContent = "";
  };
  for (const word of words) {
    word.addEventListener("click", () => {
      const chosen = word.getAttribute("aria-pressed") === "true";
      clear();
      if (chosen) return;
      word.setAttribute("aria-pressed", "true");
      const caption = captions[word.dataset.caption], at = word.dataset.word;
      const frameWeights = caption.frames && caption.frames[at], nodeWeights = caption.nodes && caption.nodes[at];
      light(frameWeights, nodeWeights);
      const parts = [];
      if (frameWeights) {
        const best = frameWeights.indexOf(Math.max(...frameWeights));
        parts.push(`${data.frames[best].title} (${percent(frameWeights[best])})`);
        const left = panel(best) - find("frames").clientWidth / 2 + wide / 2;
        find("frames").scrollTo({ left });
      }
      if (nodeWeights && nodes.length) {
        const best = nodeWeights.indexOf(Math.max(...nodeWeights));
        parts.push(`${nodes[best].title} (${percent(nodeWeights[best])})`);
      }
      find("status").textContent = `“${word.textContent}” rests most on ${parts.join(" and ")}.`;
    });
  }
  document.addEventListener("keydown", (event) => { if (event.key === "Escape") clear(); });

  for (const [name, colour] of data.legend) {
    const item = document.createElement("li"), mark = document.createElement("i");
    mark.style.background = colour;
    item.append(mark, name);
    find("legend").append(item);
  }
  draw();
})();
