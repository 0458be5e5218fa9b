//! Writes the generated documents of the event contract into the folder given as the only argument.
//! CI runs it and fails when a checked-in file differs.

use std::path::Path;

use shared_kernel::schema::{async_api, user_change_json_schema};

fn main() -> std::io::Result<()> {
    let Some(folder) = std::env::args().nth(1) else {
        return Err(std::io::Error::other("usage: generate-event-docs FOLDER"));
    };
    for (name, document) in
        [("user-change.schema.json", user_change_json_schema()), ("asyncapi.json", async_api())]
    {
        let path = Path::new(&folder).join(name);
        std::fs::write(&path, format!("{document:#}\n"))?;
        println!("wrote {}", path.display());
    }
    Ok(())
}
