-- What the platform gives `postgres` on pg_cron: it reads jobs and calls the functions, but writes no job row itself.
grant usage on schema cron to postgres with grant option;
grant all on cron.job_run_details to postgres with grant option;
revoke all on cron.job from postgres;
grant select on cron.job to postgres with grant option;
revoke trigger on cron.job, cron.job_run_details from postgres;
grant execute on function cron.alter_job(bigint, text, text, text, text, boolean) to postgres;
