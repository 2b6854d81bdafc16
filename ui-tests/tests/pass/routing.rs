use sagewai::prelude::*;
use sagewai::{Step as _, Workflow as _};

#[step(pool = "gpu", labels(gpu = true, zone = "eu", cpus = 8, offset = -1, "cloud.kind" = "spot"))]
async fn render(scene: String) -> Result<String> {
    Ok(scene)
}

#[workflow(version = 3, pool = "cpu", labels(zone = "eu"))]
async fn film(scene: String) -> Result<String> {
    render(scene).pool("gpu-2").label("fast", true).await
}

fn main() {
    assert_eq!(render::SPEC.pool, Some("gpu"));
    let keys: Vec<&str> = render::SPEC.labels.iter().map(|(key, _)| *key).collect();
    assert_eq!(keys, ["gpu", "zone", "cpus", "offset", "cloud.kind"]);
    assert_eq!((film::SPEC.version, film::SPEC.pool), (3, Some("cpu")));
}
