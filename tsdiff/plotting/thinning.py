"""The script of a page that thins a figure's points to what is on screen.

It is told all numbers of the figure (`tsdiff.plotting.packed`), and exchanges the
arrays of its traces whenever another part of the time axis is shown, or another series.
Each column of the screen keeps its first, lowest, highest and last point, after M4
[1]_, so that the lines cover the same pixels; a few points are kept all.

.. [1] Jugel et al., "M4: A Visualization-Oriented Time Series Data Aggregation", VLDB
   2014.
"""

SCRIPT = r"""
function thinToScreen(gd, whole) {
  const FEW = 2000, COLUMNS = 1000, BEYOND = 200;  // points; columns; those off screen
  const opened = whole.strips.map(() => null);

  function bytes(text) {
    const raw = atob(text), held = new Uint8Array(raw.length);
    for (let k = 0; k < raw.length; k++) held[k] = raw.charCodeAt(k);
    return held.buffer;
  }
  function floats(packed) {
    return packed.f4 === undefined ? new Float64Array(bytes(packed.f8))
      : new Float32Array(bytes(packed.f4));
  }
  function stamps(packed, n) {
    if (packed.f8 !== undefined) return floats(packed);
    const time = new Float64Array(n);
    packed.first.forEach((first, run) => {
      const {start: {[run]: start}, step: {[run]: step}} = packed;
      const stop = packed.first[run + 1] ?? n;
      for (let row = first; row < stop; row++) time[row] = start + (row - first) * step;
    });
    return time;
  }

  // The rows that a trace passes through; another piece begins where the pen is lifted.
  function track(n, passes, joined) {
    const rows = new Int32Array(n), piece = new Int32Array(n);
    let count = 0;
    for (let row = 0; row < n; row++) {
      if (!passes(row)) continue;
      const before = count ? rows[count - 1] : row;
      const lifted = row - before > 1 || !joined(before, row);
      piece[count] = count ? piece[count - 1] + lifted : 0;
      rows[count++] = row;
    }
    return {rows: rows.slice(0, count), piece: piece.slice(0, count)};
  }
  function unpack(packed) {
    const state = new Uint8Array(bytes(packed.state)), n = state.length;
    const given = floats(packed.given);
    const answers = new Float32Array(bytes(packed.answers));
    const seen = row => state[row] & 1, asked = row => state[row] & 2;
    const beside = row => seen(row) && (asked(row - 1) || asked(row + 1));
    const always = () => true;
    const either = (one, other) => asked(one) || asked(other);
    const gaps = track(n, row => asked(row) || beside(row), either);
    const observed = track(n, seen, always);
    const truth = track(n, row => !seen(row) && given[row] === given[row], always);
    for (const one of [observed, truth]) {
      one.y = new Float64Array(one.rows.length);
      one.rows.forEach((row, k) => { one.y[k] = given[row]; });
    }
    const lines = Array.from({length: 1 + 2 * whole.levels.length + whole.paths},
      () => new Float64Array(gaps.rows.length));
    const each = answers.length / lines.length;
    lines.forEach((y, line) => {
      let cell = line * each;
      gaps.rows.forEach((row, k) => {
        y[k] = asked(row) ? packed.middle + answers[cell++] : given[row];
      });
    });
    const length = new Int32Array(n);
    for (let row = 0, first = 0; row <= n; row++) {
      if (row < n && !seen(row)) continue;
      length.fill(row - first, first, row);
      first = row + 1;
    }
    const time = stamps(packed.time, n);
    return {...packed, time, given, asked, gaps, observed, truth, lines, length};
  }

  // Positions along a track to draw, and the width of a gap that can be seen.
  function pick(time, rows, low, high, view, columns) {
    const {from, to} = view, coarse = (time.at(-1) - time[0]) / BEYOND;
    let inside = 0;
    for (let k = 0; k < rows.length; k++) {
      const t = time[rows[k]];
      inside += t >= from && t <= to;
    }
    const all = inside <= FEW, width = (to - from) / columns, kept = [];
    let column = NaN, first = 0, lowest = 0, highest = 0;
    for (let k = 0; k <= rows.length; k++) {
      const t = time[rows[k]];
      const now = k === rows.length ? NaN : t < from ? Math.floor((t - from) / coarse)
        : t > to ? 1e9 + Math.floor((t - to) / coarse)
        : all ? k : Math.floor((t - from) / width);
      if (now === column) {
        if (low[k] < low[lowest]) lowest = k;
        if (high[k] > high[highest]) highest = k;
        continue;
      }
      if (k) {
        const turns = lowest < highest ? [lowest, highest] : [highest, lowest];
        let end = -1;
        for (const one of [first, ...turns, k - 1]) if (one > end) kept.push(end = one);
      }
      column = now;
      first = lowest = highest = k;
    }
    return {kept, width: all ? 0 : width};
  }

  // Stretches of kept points between which the pen is lifted.
  function stretches(time, {rows, piece}, {kept, width}) {
    const found = [];
    kept.forEach((k, n) => {
      const before = kept[n - 1];
      const seen = !width || time[rows[k]] - time[rows[before]] > width;
      if (n && !(seen && piece[k] !== piece[before])) found.at(-1).push(k);
      else found.push([k]);
    });
    return found;
  }
  function joined(shapes) {
    const x = [], y = [];
    shapes.forEach((shape, n) => {
      if (n) { x.push(x.at(-1)); y.push(null); }
      for (const [stamp, value] of shape) { x.push(stamp); y.push(value); }
    });
    return {x, y};
  }
  // A row's number, or date: a browser's own ends with milliseconds.
  function stampsOf({time, dates}) {
    const told = new Map();
    return row => {
      if (!dates) return time[row];
      if (!told.has(row)) {
        const micro = Math.round(time[row] * 1e3), rest = (micro % 1e3 + 1e3) % 1e3;
        const date = new Date((micro - rest) / 1e3).toISOString().slice(0, -1);
        told.set(row, rest ? date + String(rest).padStart(3, "0") : date);
      }
      return told.get(row);
    };
  }
  function arrays(strip, view) {
    const {time, gaps, observed, truth, lines} = strip, stamp = stampsOf(strip);
    const half = view.columns / 2, bands = whole.levels.length;
    const points = (track, y, ks) => ks.map(k => [stamp(track.rows[k]), y[k]]);
    const drawn = [];
    for (let band = 0; band < bands; band++) {
      const [low, high] = [lines[1 + 2 * band], lines[2 + 2 * band]];
      const cut = pick(time, gaps.rows, low, high, view, half);
      drawn.push(joined(stretches(time, gaps, cut).map(ks => [
        ...points(gaps, low, ks), ...points(gaps, high, ks).reverse()])));
    }
    const line = (track, y, columns) => {
      const cut = pick(time, track.rows, y, y, view, columns);
      const shapes = stretches(time, track, cut).map(ks => points(track, y, ks));
      return {...joined(shapes), kept: cut.kept};
    };
    for (const y of lines.slice(1 + 2 * bands)) drawn.push(line(gaps, y, half));
    const median = line(gaps, lines[0], view.columns);
    const seen = line(observed, observed.y, view.columns);
    const dots = pick(time, truth.rows, truth.y, truth.y, view, view.columns).kept;
    const circles = joined([points(truth, truth.y, dots)]);
    drawn.push(median, seen, circles);
    const marks = seen.kept.map(k => [observed.rows[k], -1, observed.y[k]]);
    for (const k of median.kept) {
      if (strip.asked(gaps.rows[k])) marks.push([gaps.rows[k], k, lines[0][k]]);
    }
    marks.sort((one, other) => one[0] - other[0]);
    drawn.push({
      x: marks.map(mark => stamp(mark[0])),
      y: marks.map(mark => mark[2]),
      text: marks.map(([row, k]) => label(strip, row, k)),
    });
    return drawn.map(({x, y, text}) => text ? {x, y, text} : {x, y});
  }

  // What stands at a row, written as Python writes it.
  function label(strip, row, k) {
    const {given, lines, digits, length} = strip;
    const known = `<b>${written(given[row], digits)}</b>`;
    if (k < 0) return `observed ${known}`;
    const said = [`median <b>${written(lines[0][k], digits)}</b>${strip.of}`];
    const n = length[row].toLocaleString("en-US");
    if (strip.gaps) said.push(`gap of ${n} row${n === "1" ? "" : "s"}`);
    for (let band = whole.levels.length - 1; band >= 0; band--) {
      const [low, high] = [1, 2].map(end => written(lines[2 * band + end][k], digits));
      said.push(`${whole.levels[band]} %: ${low} to ${high}`);
    }
    if (given[row] === given[row]) said.push(`${whole.truth} ${known}`);
    return said.join("<br>");
  }
  function written(value, digits) {
    const sign = value < 0 || Object.is(value, -0) ? "-" : "", size = Math.abs(value);
    if (digits === null) {
      const [first, power] = size.toExponential(5).split("e");
      const short = text => text.includes(".") ? text.replace(/\.?0+$/, "") : text;
      if (power >= -4 && power < 6) return sign + short(size.toFixed(5 - power));
      return `${sign}${short(first)}e${power[0]}${power.slice(1).padStart(2, "0")}`;
    }
    let text = size.toFixed(digits);
    if (size * 10 ** digits % 1 === 0.5) {  // a tie goes to the even digit
      const long = size.toFixed(digits + 40), cut = long.slice(0, -40);
      const even = cut.replace(/\.$/, "");
      if (/50{39}$/.test(long) && even.at(-1) % 2 === 0) text = even;
    }
    const [integer, rest] = text.split(".");
    const grouped = integer.replace(/\B(?=(\d{3})+$)/g, ",");
    return sign + grouped + (rest === undefined ? "" : `.${rest}`);
  }

  let shown = "", waiting = false;
  function draw() {
    const {xaxis: axis, updatemenus: menus} = gd._fullLayout;
    const [from, to] = axis.range.map(axis.r2l).sort((one, other) => one - other);
    const series = whole.menu === null ? 0 : menus[whole.menu].active;
    const view = {from, to, columns: Math.max(1, Math.min(axis._length, COLUMNS))};
    const asked = [series, from, to, view.columns].join();
    if (asked === shown) return;
    shown = asked;
    opened[series] ??= whole.strips[series].map(unpack);
    opened[series].forEach((strip, row) => arrays(strip, view).forEach((drawn, k) => {
      const trace = gd.data.find(one => one.uid === `r${row}t${k}`);
      if (trace) Object.assign(trace, drawn);
    }));
    Plotly.redraw(gd);
  }
  function soon(anew) {
    if (anew) shown = "";
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => { waiting = false; draw(); });
  }
  gd.on("plotly_relayout", () => soon(false));
  gd.on("plotly_buttonclicked", () => soon(true));
  soon(true);
  return () => soon(true);
}
"""
