//! The local table's database: dynoxide's, with an index over its stream.
//!
//! dynoxide keeps every stream record and finds the last one, and the next ones, by reading them all. Each
//! write and each poll would cost more the longer a shop runs.

use std::path::Path;

use dynoxide::Database;

use crate::{LocalError, Result};

/// Serves the lookup of the last sequence number at each write, and of the records after one at each poll.
const STREAM_INDEX: &str = "CREATE INDEX IF NOT EXISTS stampede_stream \
    ON _stream_records (table_name, CAST(sequence_number AS INTEGER))";

/// Opens the database in the folder `data`, or one in memory. `scratch` is a folder for temporary files.
pub(crate) fn open(data: Option<&Path>, scratch: &Path) -> Result<Database> {
    let failed = |error: &dyn std::fmt::Display| {
        LocalError(format!("the table's database cannot be opened: {error}"))
    };
    if let Some(folder) = data {
        let path = folder.join("table.sqlite");
        let database = Database::new(&path.to_string_lossy()).map_err(|error| failed(&error))?;
        index(&path).map_err(|error| failed(&error))?;
        return Ok(database);
    }
    // Only a file can be given an index; a database in memory takes a file's content over.
    let database = Database::memory().map_err(|error| failed(&error))?;
    let path = scratch.join("empty.sqlite");
    let name = path.to_string_lossy();
    database
        .vacuum_into(&name)
        .map_err(|error| failed(&error))?;
    index(&path).map_err(|error| failed(&error))?;
    database
        .restore_from(&name)
        .map_err(|error| failed(&error))?;
    Ok(database)
}

fn index(path: &Path) -> rusqlite::Result<()> {
    rusqlite::Connection::open(path)?.execute_batch(STREAM_INDEX)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    /// The steps SQLite takes for a query of the stream, as dynoxide 3.2 asks it.
    fn plan(path: &Path, query: &str) -> String {
        let connection = rusqlite::Connection::open(path).unwrap();
        let mut statement = connection
            .prepare(&format!("EXPLAIN QUERY PLAN {query}"))
            .unwrap();
        let steps = statement
            .query_map([], |row| row.get::<_, String>(3))
            .unwrap();
        steps.map(Result::unwrap).collect::<Vec<_>>().join("; ")
    }

    #[test]
    fn the_stream_is_read_by_its_index() {
        let folder = tempfile::tempdir().unwrap();
        open(Some(folder.path()), folder.path()).unwrap();
        let path = folder.path().join("table.sqlite");
        for query in [
            "SELECT COALESCE(MAX(CAST(sequence_number AS INTEGER)), 0) + 1 FROM _stream_records \
             WHERE table_name = 'a'",
            "SELECT event_name FROM _stream_records WHERE table_name = 'a' AND shard_id = 'b' \
             AND CAST(sequence_number AS INTEGER) > 1 ORDER BY CAST(sequence_number AS INTEGER) ASC LIMIT 9",
        ] {
            let plan = plan(&path, query);
            assert!(
                plan.contains("USING INDEX stampede_stream")
                    || plan.contains("USING COVERING INDEX stampede_stream"),
                "{plan}"
            );
            assert!(
                !plan.contains("SCAN") && !plan.contains("TEMP B-TREE"),
                "{plan}"
            );
        }
    }

    #[test]
    fn a_database_in_memory_takes_tables_and_items() {
        let scratch = tempfile::tempdir().unwrap();
        let database = open(None, scratch.path()).unwrap();
        let table = json!({
            "TableName": "table",
            "AttributeDefinitions": [{ "AttributeName": "PK", "AttributeType": "S" }],
            "KeySchema": [{ "AttributeName": "PK", "KeyType": "HASH" }],
            "BillingMode": "PAY_PER_REQUEST",
            "StreamSpecification": { "StreamEnabled": true, "StreamViewType": "NEW_AND_OLD_IMAGES" },
        });
        fn read<T: serde::de::DeserializeOwned>(value: Value) -> T {
            serde_json::from_value(value).unwrap()
        }
        database.create_table(read(table)).unwrap();
        let item = json!({ "TableName": "table", "Item": { "PK": { "S": "a" } } });
        database.put_item(read(item)).unwrap();
        let streams = database
            .list_streams(read(json!({ "TableName": "table" })))
            .unwrap();
        assert_eq!(streams.streams.len(), 1);
    }
}
