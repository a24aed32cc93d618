-- broken: file-gap
select 1;
