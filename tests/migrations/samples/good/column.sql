-- A comment; create index none on leads (city);
alter table leads add column city text, add column kind text not null default 'plain, old', add column at timestamptz default now(), add column n int not null default 0;
