update leads set region = 'DE' where region = 'Germany';
