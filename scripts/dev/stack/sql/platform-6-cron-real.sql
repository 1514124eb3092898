-- The real pg_cron, which the server must have preloaded for this database.
create extension if not exists pg_cron;
