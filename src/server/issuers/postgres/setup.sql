-- Prepares one database for credentials of kind "postgres". Run by a superuser, once for each database; may be repeated:
--
--   psql -d shop -v owner=shop -v issuer=portcullis_issuer -v password="$(cat issuer-password)" -f setup.sql
--
-- `owner` is the role that owns the tables. PostgreSQL 15 or newer.
\set ON_ERROR_STOP on

-- An ordinary role that may make roles; it is no superuser. The password goes to the file that `password_file` names.
SELECT format('CREATE ROLE %I LOGIN CREATEROLE', :'issuer')
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = :'issuer') \gexec
ALTER ROLE :"issuer" PASSWORD :'password';

-- What it can hand on: all that `owner` has. To let it hand on less, and never ALTER or DROP, leave this line out and
-- grant just some tables to it: GRANT SELECT ON orders TO portcullis_issuer WITH GRANT OPTION (and USAGE on the schema and
-- CONNECT on the database likewise).
GRANT :"owner" TO :"issuer";

-- Unqualified names live here; the owner must be able to give others room in it.
ALTER SCHEMA public OWNER TO :"owner";
REVOKE ALL ON SCHEMA public FROM PUBLIC;

-- PUBLIC may connect to every database at first. Then a minted role could too, so the gate refuses to mint one until
-- that is taken away everywhere (template0 takes no connections). Roles that need a database are granted it by name.
SELECT format('REVOKE CONNECT, TEMPORARY ON DATABASE %I FROM PUBLIC', datname)
FROM pg_database WHERE datallowconn AND has_database_privilege('public', oid, 'CONNECT, TEMPORARY') \gexec
SELECT format('GRANT CONNECT ON DATABASE %I TO %I WITH GRANT OPTION', current_database(), :'issuer') \gexec
