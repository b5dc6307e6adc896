"use strict";

// What is embedded in the page, and how its columns are packed.

const report = JSON.parse(document.getElementById("lens-data").textContent);

function bytesOf(base64) {
  const text = atob(base64);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; ++i) bytes[i] = text.charCodeAt(i);
  return bytes;
}

// Little-endian numbers of `width` bytes.
function integersOf(base64, width) {
  const bytes = bytesOf(base64);
  const values = new Uint32Array(bytes.length / width);
  for (let i = 0; i < values.length; ++i)
    for (let b = 0; b < width; ++b)
      values[i] |= bytes[i * width + b] << (8 * b);
  return values;
}

// The upper three bytes of each float.
function floatsOf(base64) {
  const bits = integersOf(base64, 3);
  for (let i = 0; i < bits.length; ++i) bits[i] <<= 8;
  return new Float32Array(bits.buffer);
}

// A sample as it is embedded, with its columns unpacked.
class Sample {
  constructor(packed) {
    this.key = packed.key;
    this.prompt = packed.prompt;
    this.reference = packed.reference;
    this.answer = packed.answer;
    this.width = packed.width;
    this.height = packed.height;
    this.picture = packed.picture < 0 ? null : report.pictures[packed.picture];
    this.noPicture = packed.noPicture;
    this.leftOut = packed.leftOut;
    this.role = packed.role;
    this.tokens = packed.role.length;
    this.token = integersOf(packed.token, report.textBytes);
    this.entropy = floatsOf(packed.entropy);
    this.kl = floatsOf(packed.kl);
    this.logprob = floatsOf(packed.logprob);
    this.rank = integersOf(packed.rank, 3);
    this.top = integersOf(packed.top, report.textBytes);
    this.topLogprob = floatsOf(packed.topLogprob);
  }

  // Place of a [token, layer] value.
  cell(token, layer) {
    return token * report.layers + layer;
  }

  // Place of the first of its top tokens.
  topCell(token, layer) {
    return this.cell(token, layer) * report.ranks;
  }

  topToken(token, layer) {
    return this.top[this.topCell(token, layer)];
  }

  tokenText(token) {
    return report.texts[this.token[token]];
  }

  isMatch(token, layer) {
    return this.topToken(token, layer) === this.token[token];
  }

  isAnswer(token) {
    return this.role[token] === 3;
  }

  // Probability of a text's token at a layer, NaN where it is not among the
  // top ones. The emitted token is known at every layer.
  probability(text, token, layer) {
    if (text === this.token[token])
      return Math.exp(this.logprob[this.cell(token, layer)]);
    const first = this.topCell(token, layer);
    for (let k = 0; k < report.ranks; ++k)
      if (this.top[first + k] === text)
        return Math.exp(this.topLogprob[first + k]);
    return NaN;
  }

  // Mean over answer tokens, by layer; NaN where there is none.
  meanEntropy() {
    const mean = [];
    for (let layer = 0; layer < report.layers; ++layer) {
      let sum = 0;
      let count = 0;
      for (let token = 0; token < this.tokens; ++token) {
        if (!this.isAnswer(token)) continue;
        sum += this.entropy[this.cell(token, layer)];
        ++count;
      }
      mean.push(sum / count);
    }
    return mean;
  }
}

const packedSamples = new Map(report.samples.map((s) => [s.key, s]));
const unpackedSamples = new Map();

// null where the page has only summary numbers of it.
function findSample(key) {
  if (!packedSamples.has(key)) return null;
  if (!unpackedSamples.has(key))
    unpackedSamples.set(key, new Sample(packedSamples.get(key)));
  return unpackedSamples.get(key);
}
