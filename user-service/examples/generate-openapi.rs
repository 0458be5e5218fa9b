//! Writes the description of the REST API into the folder given as the only argument. CI runs it and fails when the
//! checked-in file differs.

use std::path::Path;

use user_service::transport::http::openapi_document;

fn main() -> std::io::Result<()> {
    let Some(folder) = std::env::args().nth(1) else {
        return Err(std::io::Error::other("usage: generate-openapi FOLDER"));
    };
    let path = Path::new(&folder).join("openapi.json");
    std::fs::write(&path, openapi_document())?;
    println!("wrote {}", path.display());
    Ok(())
}
