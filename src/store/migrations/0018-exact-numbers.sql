-- From here on whole numbers are written digit by digit. Before, those beyond 2^53 were rounded to what a double holds, and nothing in a number says
-- whether it was: how far that goes is kept. An older program would round again what it reads, so it is to be refused.
INSERT INTO small_state (key, value) SELECT 'store/rounded-through', max(seq) FROM change HAVING max(seq) IS NOT NULL;
