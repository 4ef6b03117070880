delete from leads where region is null;
