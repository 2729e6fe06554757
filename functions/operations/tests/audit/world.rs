//! A trail in a real table.

use std::path::Path;

use local::emulators::Tables;
use runtime::Environment;
use serde_json::Value;
use store::Store;

const TABLE: &str = "audit";
const COPY: &str = "copy";

/// A shop's table, and nothing else of it.
pub(crate) struct World {
    pub(crate) store: Store,
    tables: Tables,
}

impl World {
    pub(crate) async fn start() -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let tables = Tables::start(&root.canonicalize().unwrap()).await.unwrap();
        tables.create(TABLE).unwrap();
        Self {
            store: client(&tables, TABLE),
            tables,
        }
    }

    /// All items, in DynamoDB JSON.
    pub(crate) async fn items(&self) -> Vec<Value> {
        self.tables.items(TABLE).unwrap()
    }

    /// Another table with these items.
    pub(crate) async fn copy(self, items: Vec<Value>) -> Self {
        self.tables.create(COPY).unwrap();
        self.tables.put(COPY, items).unwrap();
        Self {
            store: client(&self.tables, COPY),
            ..self
        }
    }
}

fn client(tables: &Tables, table: &str) -> Store {
    let environment = Environment::of(tables.environment("http://127.0.0.1:9"));
    Store::new(&environment.sdk_config().unwrap(), table)
}
