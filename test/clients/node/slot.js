// Hash slots of a Redis cluster, computed without the client under test.
export const slotCount = 16384;

const slotOf = text => {
  let crc = 0; // CRC-16/XMODEM
  for (const byte of Buffer.from(text)) {
    crc ^= byte << 8;
    for (let bit = 0; bit < 8; bit++) crc = (crc << 1 ^ (crc & 0x8000 ? 0x1021 : 0)) & 0xffff;
  }
  return crc % slotCount;
};

// tags hold, by slot, the lowest number whose digits are a hash tag of it.
const tags = new Array(slotCount);
for (let number = 0, missing = slotCount; missing > 0; number++) {
  const slot = slotOf(String(number));
  if (tags[slot] !== undefined) continue;
  tags[slot] = String(number);
  missing--;
}

export const tagOf = slot => tags[slot];
