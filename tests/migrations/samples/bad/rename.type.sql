alter type engine.step_end rename to step_over;
