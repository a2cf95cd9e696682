// "512 bytes", "3.4 kB"
export function bytes(size: number): string {
  if (size < 1000) {
    return `${size} ${size === 1 ? "byte" : "bytes"}`;
  }
  const units = ["kB", "MB", "GB"];
  const at = Math.min(units.length - 1, Math.floor(Math.log10(size) / 3) - 1);
  return `${(size / 1000 ** (at + 1)).toFixed(1)} ${units[at]}`;
}
