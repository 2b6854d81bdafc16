//! The contract of a store, on every store.

mod sqlite {
    use sagewai::store::SqliteStore;
    use sagewai::store::conformance::Fresh;

    async fn factory() -> Fresh {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("runs.db");
        Fresh::new(SqliteStore::open(file).await.unwrap()).keeping(folder)
    }

    sagewai::conformance_tests!(factory);
}

mod postgres {
    use sagewai::store::conformance::Fresh;

    use crate::support::postgres;

    async fn factory() -> Fresh {
        let database = postgres::database().await;
        Fresh::new(database.store().await).keeping(database)
    }

    sagewai::conformance_tests!(factory);
}
