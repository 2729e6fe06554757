//! The operations of DynamoDB that the table is used with.

aws::operations! { aws_sdk_dynamodb:
    batch_get_item(BatchGetItem, BatchGetItemInput, BatchGetItemInputBuilder, BatchGetItemOutput, BatchGetItemError)
    batch_write_item(BatchWriteItem, BatchWriteItemInput, BatchWriteItemInputBuilder, BatchWriteItemOutput, BatchWriteItemError)
    get_item(GetItem, GetItemInput, GetItemInputBuilder, GetItemOutput, GetItemError)
    put_item(PutItem, PutItemInput, PutItemInputBuilder, PutItemOutput, PutItemError)
    query(Query, QueryInput, QueryInputBuilder, QueryOutput, QueryError)
    scan(Scan, ScanInput, ScanInputBuilder, ScanOutput, ScanError)
    transact_write_items(TransactWriteItems, TransactWriteItemsInput, TransactWriteItemsInputBuilder, TransactWriteItemsOutput, TransactWriteItemsError)
    update_item(UpdateItem, UpdateItemInput, UpdateItemInputBuilder, UpdateItemOutput, UpdateItemError)
}

pub(crate) use aws_sdk_dynamodb::operation::{
    batch_get_item::BatchGetItemInput, batch_write_item::BatchWriteItemInput,
    get_item::GetItemInput, put_item::PutItemInput, query::QueryInput, scan::ScanInput,
    transact_write_items::TransactWriteItemsInput, update_item::UpdateItemInput,
};
