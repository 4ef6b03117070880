drop function engine.today();
