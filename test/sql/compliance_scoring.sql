-- The scoring of customers: signature, worked examples, ugly cases, every error.
SET extra_float_digits = -3;
\pset null '~'
SELECT name, type, default_value, range FROM rk.kernel_columns
WHERE kernel = 'compliance/kyc-scoring' AND kind = 'argument' ORDER BY name COLLATE "C", position;
SELECT * FROM rk.compliance_kyc_scoring(10, 15, 10, 5, 95, 8);
SELECT * FROM rk.compliance_kyc_scoring(80, 70, 60, 75, 40, 0.5);
-- what is not known
SELECT * FROM rk.compliance_kyc_scoring(80, NULL, 60, 75, NULL, 0.5);
SELECT * FROM rk.compliance_kyc_scoring(80, NULL, 60, 75, NULL, 0.5, missing_as => 'worst');
SELECT * FROM rk.compliance_kyc_scoring(NULL, NULL, NULL, NULL, NULL, NULL);
SELECT risk_score, risk_tier, completeness FROM rk.compliance_kyc_scoring(NULL, NULL, NULL, NULL, NULL, NULL, missing_as => 'worst');
-- all weight on a factor that is not known
SELECT risk_score, completeness, missing FROM rk.compliance_kyc_scoring(NULL, 50, 50, 50, 50, 5, '{1,0,0,0,0,0}');
-- flags
SELECT pep, sanctioned, risk_score, risk_tier, country
FROM unnest(ARRAY[NULL, false, true]) pep, unnest(ARRAY[NULL, false, true]) sanctioned,
	rk.compliance_kyc_scoring(10, 15, 10, 5, 95, 8, pep => pep, sanctioned => sanctioned)
ORDER BY pep, sanctioned;
SELECT risk_score FROM rk.compliance_kyc_scoring(90, 90, 90, 90, 0, 0, pep => true);
SELECT risk_score, risk_tier FROM rk.compliance_kyc_scoring(NULL, NULL, NULL, NULL, NULL, NULL, pep => true);
-- the limits of the tiers belong to the higher one
SELECT f, risk_score, risk_tier FROM unnest(ARRAY[0, 24.999, 25, 49.999, 50, 74.999, 75, 100]) f,
	rk.compliance_kyc_scoring(f, f, f, f, 100 - f, 10 - f / 10);
-- a row
CREATE TABLE customer (id int, tenure_years int, country_risk numeric, industry_risk float4, product_risk smallint,
	transaction_risk bigint, documentation_score float8, is_pep boolean);
INSERT INTO customer VALUES (1, 8, 10, 15, 10, 5, 95, false), (2, 8, 10, 15, 10, 5, 95, true), (3, NULL, NULL, 15, 10, 5, 95, NULL);
SELECT id, k.risk_score, k.risk_tier, k.missing FROM customer c, rk.compliance_kyc_scoring(c) k ORDER BY id;
SELECT id FROM customer c WHERE (rk.compliance_kyc_scoring(c, missing_as => 'worst')).risk_score > 30 ORDER BY id;
SELECT rk.compliance_kyc_scoring(NULL::customer) IS NULL AS nothing, rk.compliance_kyc_scoring(1, 1, 1, 1, 1, 1, NULL) IS NULL AS no_weights;
CREATE TABLE scored (country float8, k rk.kyc_score GENERATED ALWAYS AS (rk.compliance_kyc_scoring(country, 0, 0, 0, 100, 10)) STORED);
INSERT INTO scored VALUES (100);
SELECT (k).risk_score FROM scored;
SELECT rk.execute('compliance/kyc-scoring', '{"country_risk": 10, "industry_risk": 15, "product_risk": 10, "transaction_risk": 5, "documentation_score": 95, "tenure_years": null}') -> 'rows';
-- errors
SELECT rk.compliance_kyc_scoring(101, 15, 10, 5, 95, 8);
SELECT rk.compliance_kyc_scoring(10, 15, 10, 5, -1, 8);
SELECT rk.compliance_kyc_scoring(10, 15, 10, 5, 95, -0.5);
SELECT rk.compliance_kyc_scoring(10, 15, 10, 'NaN', 95, 8);
SELECT rk.compliance_kyc_scoring(10, 15, 10, 5, 95, 8, '{1,2,3}');
SELECT rk.compliance_kyc_scoring(10, 15, 10, 5, 95, 8, '{1,1,1,1,1,-1}');
SELECT rk.compliance_kyc_scoring(10, 15, 10, 5, 95, 8, '{1,1,1,1,1,NaN}');
SELECT rk.compliance_kyc_scoring(10, 15, 10, 5, 95, 8, '{1,1,1,1,1,NULL}');
SELECT rk.compliance_kyc_scoring(10, 15, 10, 5, 95, 8, '{1e308,1e308,1,1,1,1}');
SELECT rk.compliance_kyc_scoring(10, 15, 10, 5, 95, 8, '{0,0,0,0,0,0}');
SELECT rk.compliance_kyc_scoring(10, 15, 10, 5, 95, 8, missing_as => 'best');
SELECT rk.compliance_kyc_scoring(r) FROM (SELECT 1 AS country_risk) r;
SELECT rk.compliance_kyc_scoring(r) FROM (SELECT 1 AS country_risk, 1 AS industry_risk, 'a' AS product_risk, 1 AS transaction_risk, 1 AS documentation_score, 1 AS tenure_years) r;
SELECT rk.compliance_kyc_scoring(r) FROM (SELECT 1 AS country_risk, 1 AS industry_risk, 101 AS product_risk, 1 AS transaction_risk, 1 AS documentation_score, 1 AS tenure_years) r;
SELECT rk.compliance_kyc_scoring(r) FROM (SELECT 1 AS country_risk, 1 AS industry_risk, 'NaN'::float8 AS product_risk, 1 AS transaction_risk, 1 AS documentation_score, 1 AS tenure_years) r;
DROP TABLE scored, customer;
