/** A machine that is not Amazon's answers nothing at that address. */
const patienceMs = 1000;

/** The region of the EC2 instance this is, by its metadata service (IMDSv2); undefined elsewhere. */
export async function instanceRegion(): Promise<string | undefined> {
  const base = process.env["AWS_EC2_METADATA_SERVICE_ENDPOINT"] ?? "http://169.254.169.254";
  if (process.env["AWS_EC2_METADATA_DISABLED"]?.toLowerCase() === "true") return undefined;
  try {
    const asked = await fetch(new URL("/latest/api/token", base), {
      method: "PUT",
      headers: { "X-aws-ec2-metadata-token-ttl-seconds": "60" },
      signal: AbortSignal.timeout(patienceMs),
    });
    const token = await asked.text();
    const answer = await fetch(new URL("/latest/meta-data/placement/region", base), {
      headers: asked.ok ? { "X-aws-ec2-metadata-token": token } : {},
      signal: AbortSignal.timeout(patienceMs),
    });
    const region = (await answer.text()).trim();
    return answer.ok && /^[a-z0-9-]{1,40}$/.test(region) ? region : undefined;
  } catch {
    // Not on such an instance: a profile may name the region.
    return undefined;
  }
}
