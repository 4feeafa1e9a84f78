/* Compliance: rules to begin with. */

CREATE VIEW rk.compliance_default_rules AS
SELECT id::bigint, name, rule_type, threshold::numeric, time_window::interval, severity, side
FROM (VALUES
	(1, 'Large Single Transaction', 'single_amount', 10000, NULL, 'high', 'source'),
	(2, 'CTR', 'aggregate_amount', 10000, '24 hours', 'high', 'both'),
	(3, 'High Transaction Count', 'transaction_count', 50, '24 hours', 'medium', 'both'),
	(4, 'High Velocity', 'velocity', 5000, '1 hour', 'high', 'both'))
	r (id, name, rule_type, threshold, time_window, severity, side);
COMMENT ON VIEW rk.compliance_default_rules IS 'rules that transaction monitoring uses when it is given no others';
GRANT SELECT ON rk.compliance_default_rules TO PUBLIC;
