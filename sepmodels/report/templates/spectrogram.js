// Spectrograms of what is heard, made here from the sound itself.
const FFT_SIZE = 4096;
const COLUMNS = 600;
const ROWS = 180;
const LOWEST_HZ = 50;
const HIGHEST_HZ = 16000;
const RANGE_DB = 85;
// From black over violet and orange to pale yellow: brighter is louder, for every eye.
const STOPS = [[0, 0, 4], [40, 11, 84], [101, 21, 110], [159, 42, 99], [212, 72, 66], [245, 125, 21], [250, 193, 39], [252, 255, 164]];

const turns = Array.from({ length: FFT_SIZE / 2 }, (_, k) => [Math.cos((-2 * Math.PI * k) / FFT_SIZE), Math.sin((-2 * Math.PI * k) / FFT_SIZE)]);
const reversed = Uint16Array.from({ length: FFT_SIZE }, (_, place) => {
  let turned = 0;
  for (let bit = 1, from = place; bit < FFT_SIZE; bit <<= 1, from >>= 1) turned = (turned << 1) | (from & 1);
  return turned;
});
const hann = Float32Array.from({ length: FFT_SIZE }, (_, place) => 0.5 - 0.5 * Math.cos((2 * Math.PI * place) / FFT_SIZE));

/** In place, radix 2, input already in bit-reversed order. */
function transform(real, imaginary) {
  for (let size = 2; size <= FFT_SIZE; size *= 2) {
    const half = size / 2;
    const stride = FFT_SIZE / size;
    for (let start = 0; start < FFT_SIZE; start += size) {
      for (let k = 0; k < half; k++) {
        const [cosine, sine] = turns[k * stride];
        const [a, b] = [start + k, start + k + half];
        const re = real[b] * cosine - imaginary[b] * sine;
        const im = real[b] * sine + imaginary[b] * cosine;
        real[b] = real[a] - re; imaginary[b] = imaginary[a] - im;
        real[a] += re; imaginary[a] += im;
      }
    }
  }
}

function hertzOf(row) {
  return HIGHEST_HZ * (LOWEST_HZ / HIGHEST_HZ) ** (row / (ROWS - 1)); // the highest on top
}

const rampColours = Array.from({ length: 256 }, (_, level) => {
  const place = (level / 255) * (STOPS.length - 1);
  const below = Math.min(Math.floor(place), STOPS.length - 2);
  return STOPS[below].map((part, channel) => part + (STOPS[below + 1][channel] - part) * (place - below));
});

/** Power in dB against a full-scale sine, (column, row), of both channels together. */
function powers(buffer, seconds) {
  const [left, right] = [buffer.getChannelData(0), buffer.getChannelData(buffer.numberOfChannels - 1)];
  const real = new Float32Array(FFT_SIZE);
  const imaginary = new Float32Array(FFT_SIZE);
  const found = new Float32Array(COLUMNS * ROWS);
  const bins = Array.from({ length: ROWS + 1 }, (_, row) => (hertzOf(row - 0.5) * FFT_SIZE) / buffer.sampleRate);
  for (let column = 0; column < COLUMNS; column++) {
    const first = Math.round(((column + 0.5) / COLUMNS) * seconds * buffer.sampleRate - FFT_SIZE / 2);
    for (let n = 0; n < FFT_SIZE; n++) {
      const value = ((left[first + n] ?? 0) + (right[first + n] ?? 0)) / 2;
      real[reversed[n]] = value * hann[n];
    }
    imaginary.fill(0);
    transform(real, imaginary);
    for (let row = 0; row < ROWS; row++) {
      const high = Math.min(FFT_SIZE / 2, Math.max(Math.round(bins[row]), Math.round(bins[row + 1]) + 1));
      let most = 0;
      for (let k = Math.max(1, Math.round(bins[row + 1])); k < high; k++) most = Math.max(most, real[k] ** 2 + imaginary[k] ** 2);
      found[column * ROWS + row] = 10 * Math.log10(most / (FFT_SIZE / 4) ** 2 + 1e-12);
    }
  }
  return found;
}

/** Draw the spectrogram of a sound: black is 85 dB below the given loudest. */
function drawSpectrogram(canvas, found, loudest) {
  canvas.width = COLUMNS;
  canvas.height = ROWS;
  const brush = canvas.getContext("2d");
  const image = brush.createImageData(COLUMNS, ROWS);
  for (let column = 0; column < COLUMNS; column++) {
    for (let row = 0; row < ROWS; row++) {
      const level = 1 + (found[column * ROWS + row] - loudest) / RANGE_DB;
      image.data.set(rampColours[Math.round(255 * Math.max(0, Math.min(1, level)))], 4 * (row * COLUMNS + column));
      image.data[4 * (row * COLUMNS + column) + 3] = 255;
    }
  }
  brush.putImageData(image, 0, 0);
}
