//! Command tags: what a statement is called.

use pg_query::protobuf::ObjectType;

use super::tree::Tree;

/// The command tag of a statement, without counts; `None` for what is no statement that we know.
pub fn of(statement: Tree<'_>) -> Option<String> {
    let (node, fields) = statement.node()?;
    let kind = match node {
        "SelectStmt" if !fields.field("into_clause").is_nothing() => "SELECT INTO",
        "SelectStmt" => "SELECT",
        "InsertStmt" => "INSERT",
        "UpdateStmt" => "UPDATE",
        "DeleteStmt" => "DELETE",
        "MergeStmt" => "MERGE",
        "CopyStmt" if fields.flag("is_from") => "COPY FROM",
        "CopyStmt" => "COPY TO",
        "ExplainStmt" if analyzes(fields) => "EXPLAIN ANALYZE",
        "CreateTableAsStmt" if fields.number("objtype") == ObjectType::ObjectMatview as i64 => {
            "CREATE MATERIALIZED VIEW"
        }
        "CreateFunctionStmt" if fields.flag("is_procedure") => "CREATE PROCEDURE",
        "GrantStmt" if fields.flag("is_grant") => "GRANT",
        "GrantStmt" => "REVOKE",
        "GrantRoleStmt" if fields.flag("is_grant") => "GRANT ROLE",
        "GrantRoleStmt" => "REVOKE ROLE",
        "VacuumStmt" if fields.flag("is_vacuumcmd") => "VACUUM",
        "VacuumStmt" => "ANALYZE",
        "VariableSetStmt" if fields.number("kind") >= 5 => "RESET",
        "DeallocateStmt" if fields.flag("isall") => "DEALLOCATE ALL",
        "FetchStmt" if fields.flag("ismove") => "MOVE",
        "TransactionStmt" => transaction(fields.number("kind")),
        "DropStmt" => return Some(format!("DROP {}", object(fields.number("remove_type")))),
        "AlterTableStmt" => return Some(format!("ALTER {}", object(fields.number("objtype")))),
        "RenameStmt" => {
            let of = fields.number("rename_type");
            // The server speaks of the table; of one whose constraint is renamed the parser does not say that it is one.
            let of = match fields.number("relation_type") {
                _ if !inside_a_relation(of) => of,
                within if within <= ObjectType::ObjectAccessMethod as i64 => ObjectType::ObjectTable as i64,
                within => within,
            };
            return Some(format!("ALTER {}", object(of)));
        }
        "AlterObjectSchemaStmt" | "AlterOwnerStmt" | "AlterObjectDependsStmt" | "AlterTableMoveAllStmt" => {
            return Some(format!("ALTER {}", object(fields.number("object_type").max(fields.number("objtype")))));
        }
        "DefineStmt" => return Some(format!("CREATE {}", object(fields.number("kind")))),
        "AlterFunctionStmt" => return Some(format!("ALTER {}", object(fields.number("objtype")))),
        _ => return plain(node).map(str::to_owned),
    };
    Some(kind.to_owned())
}

/// EXPLAIN with ANALYZE runs the statement; of several ANALYZE options the last counts.
pub fn analyzes(explain: Tree<'_>) -> bool {
    let option = explain
        .list("options")
        .filter_map(|o| o.as_node("DefElem"))
        .filter(|o| o.text("defname").eq_ignore_ascii_case("analyze"))
        .last();
    let Some(option) = option else { return false };
    match option.field("arg").node() {
        None => true,
        Some(("Integer", number)) => number.number("ival") != 0,
        Some(("Boolean", value)) => value.flag("boolval"),
        Some((_, text)) => !matches!(text.text("sval").to_ascii_lowercase().as_str(), "false" | "off" | "0"),
    }
}

fn transaction(kind: i64) -> &'static str {
    use pg_query::protobuf::TransactionStmtKind as Kind;
    match Kind::try_from(i32::try_from(kind).unwrap_or(0)) {
        Ok(Kind::TransStmtBegin) => "BEGIN",
        Ok(Kind::TransStmtStart) => "START TRANSACTION",
        Ok(Kind::TransStmtCommit) => "COMMIT",
        Ok(Kind::TransStmtSavepoint) => "SAVEPOINT",
        Ok(Kind::TransStmtRelease) => "RELEASE",
        Ok(Kind::TransStmtPrepare) => "PREPARE TRANSACTION",
        Ok(Kind::TransStmtCommitPrepared) => "COMMIT PREPARED",
        Ok(Kind::TransStmtRollbackPrepared) => "ROLLBACK PREPARED",
        Ok(Kind::TransStmtRollback | Kind::TransStmtRollbackTo | Kind::Undefined) | Err(_) => "ROLLBACK",
    }
}

/// Things that are renamed within a table, so that the server speaks of the table.
fn inside_a_relation(object_type: i64) -> bool {
    [ObjectType::ObjectColumn, ObjectType::ObjectTabconstraint, ObjectType::ObjectAttribute]
        .iter()
        .any(|inside| *inside as i64 == object_type)
}

/// The word of an object type in a command tag: `OBJECT_FOREIGN_TABLE` is `FOREIGN TABLE`.
fn object(object_type: i64) -> String {
    let object_type = ObjectType::try_from(i32::try_from(object_type).unwrap_or(0)).unwrap_or(ObjectType::Undefined);
    match object_type {
        ObjectType::ObjectMatview => "MATERIALIZED VIEW".to_owned(),
        ObjectType::ObjectTsconfiguration => "TEXT SEARCH CONFIGURATION".to_owned(),
        ObjectType::ObjectTsdictionary => "TEXT SEARCH DICTIONARY".to_owned(),
        ObjectType::ObjectTsparser => "TEXT SEARCH PARSER".to_owned(),
        ObjectType::ObjectTstemplate => "TEXT SEARCH TEMPLATE".to_owned(),
        ObjectType::ObjectFdw => "FOREIGN DATA WRAPPER".to_owned(),
        ObjectType::ObjectForeignServer => "SERVER".to_owned(),
        ObjectType::ObjectOpclass => "OPERATOR CLASS".to_owned(),
        ObjectType::ObjectOpfamily => "OPERATOR FAMILY".to_owned(),
        ObjectType::ObjectStatisticExt => "STATISTICS".to_owned(),
        ObjectType::ObjectTabconstraint => "CONSTRAINT".to_owned(),
        ObjectType::ObjectDomconstraint => "DOMAIN".to_owned(),
        ObjectType::ObjectLargeobject => "LARGE OBJECT".to_owned(),
        ObjectType::ObjectAttribute => "TYPE".to_owned(),
        _ => object_type.as_str_name().trim_start_matches("OBJECT_").replace('_', " "),
    }
}

/// Tags that depend on nothing but the type of the statement.
fn plain(node: &str) -> Option<&'static str> {
    Some(match node {
        "ExplainStmt" => "EXPLAIN",
        "CreateTableAsStmt" => "CREATE TABLE AS",
        "CreateFunctionStmt" => "CREATE FUNCTION",
        "VariableSetStmt" => "SET",
        "VariableShowStmt" => "SHOW",
        "DeallocateStmt" => "DEALLOCATE",
        "FetchStmt" => "FETCH",
        "PrepareStmt" => "PREPARE",
        "ExecuteStmt" => "EXECUTE",
        "DiscardStmt" => "DISCARD",
        "DeclareCursorStmt" => "DECLARE CURSOR",
        "ClosePortalStmt" => "CLOSE CURSOR",
        "ListenStmt" => "LISTEN",
        "UnlistenStmt" => "UNLISTEN",
        "NotifyStmt" => "NOTIFY",
        "ConstraintsSetStmt" => "SET CONSTRAINTS",
        "LockStmt" => "LOCK",
        "DoStmt" => "DO",
        "CallStmt" => "CALL",
        "TruncateStmt" => "TRUNCATE",
        "ReindexStmt" => "REINDEX",
        "ClusterStmt" => "CLUSTER",
        "RefreshMatViewStmt" => "REFRESH MATERIALIZED VIEW",
        "CheckPointStmt" => "CHECKPOINT",
        "AlterSystemStmt" => "ALTER SYSTEM",
        "LoadStmt" => "LOAD",
        "CreateRoleStmt" => "CREATE ROLE",
        "AlterRoleStmt" | "AlterRoleSetStmt" => "ALTER ROLE",
        "DropRoleStmt" => "DROP ROLE",
        "AlterDefaultPrivilegesStmt" => "ALTER DEFAULT PRIVILEGES",
        "ReassignOwnedStmt" => "REASSIGN OWNED",
        "DropOwnedStmt" => "DROP OWNED",
        "SecLabelStmt" => "SECURITY LABEL",
        _ => return data_definition(node),
    })
}

fn data_definition(node: &str) -> Option<&'static str> {
    Some(match node {
        "CreateStmt" => "CREATE TABLE",
        "CreateForeignTableStmt" => "CREATE FOREIGN TABLE",
        "ViewStmt" => "CREATE VIEW",
        "IndexStmt" => "CREATE INDEX",
        "RuleStmt" => "CREATE RULE",
        "CreateTrigStmt" => "CREATE TRIGGER",
        "CommentStmt" => "COMMENT",
        "CreateSchemaStmt" => "CREATE SCHEMA",
        "CreateSeqStmt" => "CREATE SEQUENCE",
        "AlterSeqStmt" => "ALTER SEQUENCE",
        "CreateExtensionStmt" => "CREATE EXTENSION",
        "AlterExtensionStmt" | "AlterExtensionContentsStmt" => "ALTER EXTENSION",
        "CreateDomainStmt" => "CREATE DOMAIN",
        "AlterDomainStmt" => "ALTER DOMAIN",
        "CreateEnumStmt" | "CompositeTypeStmt" | "CreateRangeStmt" => "CREATE TYPE",
        "AlterEnumStmt" | "AlterTypeStmt" => "ALTER TYPE",
        "CreateCastStmt" => "CREATE CAST",
        "CreateConversionStmt" => "CREATE CONVERSION",
        "CreateOpClassStmt" => "CREATE OPERATOR CLASS",
        "CreateOpFamilyStmt" => "CREATE OPERATOR FAMILY",
        "AlterOpFamilyStmt" => "ALTER OPERATOR FAMILY",
        "AlterOperatorStmt" => "ALTER OPERATOR",
        "CreatePlangStmt" => "CREATE LANGUAGE",
        "CreatePolicyStmt" => "CREATE POLICY",
        "AlterPolicyStmt" => "ALTER POLICY",
        "CreatePublicationStmt" => "CREATE PUBLICATION",
        "AlterPublicationStmt" => "ALTER PUBLICATION",
        "CreateSubscriptionStmt" => "CREATE SUBSCRIPTION",
        "AlterSubscriptionStmt" => "ALTER SUBSCRIPTION",
        "DropSubscriptionStmt" => "DROP SUBSCRIPTION",
        "CreateStatsStmt" => "CREATE STATISTICS",
        "AlterStatsStmt" => "ALTER STATISTICS",
        "CreateFdwStmt" => "CREATE FOREIGN DATA WRAPPER",
        "AlterFdwStmt" => "ALTER FOREIGN DATA WRAPPER",
        "CreateForeignServerStmt" => "CREATE SERVER",
        "AlterForeignServerStmt" => "ALTER SERVER",
        "CreateUserMappingStmt" => "CREATE USER MAPPING",
        "AlterUserMappingStmt" => "ALTER USER MAPPING",
        "DropUserMappingStmt" => "DROP USER MAPPING",
        "ImportForeignSchemaStmt" => "IMPORT FOREIGN SCHEMA",
        "CreateEventTrigStmt" => "CREATE EVENT TRIGGER",
        "AlterEventTrigStmt" => "ALTER EVENT TRIGGER",
        "CreateAmStmt" => "CREATE ACCESS METHOD",
        "CreateTransformStmt" => "CREATE TRANSFORM",
        "CreateTableSpaceStmt" => "CREATE TABLESPACE",
        "DropTableSpaceStmt" => "DROP TABLESPACE",
        "AlterTableSpaceOptionsStmt" => "ALTER TABLESPACE",
        "CreatedbStmt" => "CREATE DATABASE",
        "DropdbStmt" => "DROP DATABASE",
        "AlterDatabaseStmt" | "AlterDatabaseSetStmt" | "AlterDatabaseRefreshCollStmt" => "ALTER DATABASE",
        "AlterTsdictionaryStmt" | "AlterTSDictionaryStmt" => "ALTER TEXT SEARCH DICTIONARY",
        "AlterTsconfigurationStmt" | "AlterTSConfigurationStmt" => "ALTER TEXT SEARCH CONFIGURATION",
        "AlterCollationStmt" => "ALTER COLLATION",
        _ => return None,
    })
}
