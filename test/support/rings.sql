-- What the regression tests of rings share.

-- Asks until the answer is yes, for ten seconds at most.
CREATE FUNCTION until(query text) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
	good boolean;
BEGIN
	FOR i IN 1 .. 1000 LOOP
		EXECUTE query INTO good;
		IF good THEN
			RETURN true;
		END IF;
		PERFORM pg_sleep(0.01);
	END LOOP;
	RETURN false;
END
$$;
