/** A name as one path segment. */
export function segment(name: string): string {
  return encodeURIComponent(name).replaceAll("%3A", ":").replaceAll("%40", "@");
}

/** An image name: its slashes stay path separators. */
export function imagePath(name: string): string {
  return name.split("/").map(segment).join("/");
}
