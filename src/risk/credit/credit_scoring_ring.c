/*
 * credit_scoring_ring.c
 *	  risk/credit-scoring as an actor: the exposures of a credit book and
 *	  their totals.
 *
 * An exposure is priced by the batch function when it comes, its money rounded
 * once to the 8 decimals of the message.  Totals are sums of whole numbers of
 * 128 bits: exact, so that no order of changes and no restart can be seen in
 * them.
 */
#include "credit_ring.h"

#include <math.h>

#include "../../compute/random.h"
#include "credit.h"

/* What is kept of an obligor, and what a snapshot holds of it. */
typedef struct exposure
{
	rk_obligor_request request;
	int64_t		expected_loss;
	int64_t		rwa;
} exposure;

typedef struct credit_state
{
	rk_basel	basel;
	rk_names	names;
	exposure   *exposures;		/* by number of the obligor */
	uint32_t	capacity;
	__int128	ead;
	__int128	expected_loss;
	__int128	rwa;
} credit_state;

static rk_status
credit_init(rk_ctx *ctx, const rk_options *options, void **state)
{
	credit_state *s = rk_alloc0(ctx, 1, sizeof(*s));

	if (s == NULL)
		return RK_ERR_MEMORY;
	s->basel = rk_option_find(options, "basel")->integer;
	*state = s;
	return RK_OK;
}

/* Money of the kernel as a fixed-point number. */
static rk_status
fixed_money(rk_ctx *ctx, rk_amount amount, const char *what, int64_t *fixed)
{
	if (amount.value < INT64_MIN || amount.value > INT64_MAX)
		return rk_fail(ctx, RK_ERR_OVERFLOW, "%s is out of range", what);
	*fixed = (int64_t) amount.value;
	return RK_OK;
}

static rk_status
assess(rk_ctx *ctx, const credit_state *s, const rk_obligor_request *q, rk_obligor_reply *r)
{
	rk_credit_exposure e = {
		.pd = q->pd,
		.lgd = q->lgd,
		.ead = {q->ead, 8},
		.maturity = q->maturity,
		.asset_class = q->asset_class,
		.sales = q->sales,
		.basel = s->basel,
		.best_estimate_loss = q->best_estimate_loss,
		.money_scale = 8
	};
	rk_credit_risk risk;
	rk_status	status = rk_name_check(ctx, "obligor", q->obligor);

	if (status != RK_OK)
		return status;
	if (!(q->maturity > 0) || isinf(q->maturity))
		return rk_fail(ctx, RK_ERR_PARAMETER, "field \"maturity\" must be above 0");
	if ((status = rk_risk_credit_scoring(ctx, &e, &risk)) != RK_OK ||
		(status = fixed_money(ctx, risk.expected_loss, "expected loss", &r->expected_loss)) != RK_OK ||
		(status = fixed_money(ctx, risk.rwa, "amount of risk-weighted assets", &r->rwa)) != RK_OK)
		return status;
	r->risk_weight = risk.risk_weight;
	return RK_OK;
}

/* Adds an exposure to the totals, or takes it out of them. */
static void
count_exposure(credit_state *s, const exposure *e, int sign)
{
	s->ead += sign * (__int128) e->request.ead;
	s->expected_loss += sign * (__int128) e->expected_loss;
	s->rwa += sign * (__int128) e->rwa;
}

/* Room for one more obligor. */
static rk_status
reserve(rk_ctx *ctx, credit_state *s)
{
	rk_status	status = rk_names_reserve(ctx, &s->names);

	return status == RK_OK ?
		rk_names_reserve_list(ctx, &s->names, (void **) &s->exposures, &s->capacity, sizeof(*s->exposures)) : status;
}

static rk_status
set_exposure(rk_ctx *ctx, credit_state *s, const rk_obligor_request *q, rk_reply *reply)
{
	rk_obligor_reply *r = rk_reply_reserve(ctx, reply, sizeof(*r));
	exposure	e = {.request = *q};
	uint32_t	i = rk_names_find(&s->names, q->obligor);
	rk_status	status;

	if (r == NULL)
		return ctx->error.status;
	if ((status = assess(ctx, s, q, r)) != RK_OK || (status = reserve(ctx, s)) != RK_OK)
		return status;
	e.expected_loss = r->expected_loss;
	e.rwa = r->rwa;
	if (i == RK_NO_NAME)
		i = rk_names_add(&s->names, q->obligor);
	else
		count_exposure(s, &s->exposures[i], -1);
	s->exposures[i] = e;
	count_exposure(s, &e, 1);
	return RK_OK;
}

static rk_status
remove_exposure(rk_ctx *ctx, credit_state *s, const rk_obligor_name *q, rk_reply *reply)
{
	rk_removed_reply *r = rk_reply_reserve(ctx, reply, sizeof(*r));
	uint32_t	i = rk_names_find(&s->names, q->obligor);

	if (r == NULL)
		return ctx->error.status;
	if (i == RK_NO_NAME)
		return RK_OK;
	count_exposure(s, &s->exposures[i], -1);
	rk_names_remove(&s->names, i);
	s->exposures[i] = s->exposures[s->names.count];
	r->removed = true;
	return RK_OK;
}

static rk_status
totals(rk_ctx *ctx, const credit_state *s, rk_reply *reply)
{
	rk_credit_totals_reply *r = rk_reply_reserve(ctx, reply, sizeof(*r));
	rk_status	status;

	if (r == NULL)
		return ctx->error.status;
	r->count = s->names.count;
	if ((status = fixed_money(ctx, (rk_amount) {s->ead, 8}, "sum of the exposures", &r->ead)) != RK_OK ||
		(status = fixed_money(ctx, (rk_amount) {s->expected_loss, 8}, "sum of the expected losses", &r->expected_loss)) != RK_OK)
		return status;
	return fixed_money(ctx, (rk_amount) {s->rwa, 8}, "sum of the risk-weighted assets", &r->rwa);
}

static rk_status
credit_handle(rk_ctx *ctx, void *state, const rk_message *message, rk_reply *reply)
{
	credit_state *s = state;

	switch (message->type_id)
	{
		case 440:
			{
				rk_obligor_reply *r = rk_reply_reserve(ctx, reply, sizeof(*r));

				return r ? assess(ctx, s, message->payload, r) : ctx->error.status;
			}
		case 442:
			return set_exposure(ctx, s, message->payload, reply);
		case 444:
			return totals(ctx, s, reply);
		case 446:
			return remove_exposure(ctx, s, message->payload, reply);
	}
	return rk_fail(ctx, RK_ERR_UNSUPPORTED, "risk/credit-scoring has no message %u", message->type_id);
}

static rk_status
credit_snapshot(rk_ctx *ctx, void *state, rk_writer *writer)
{
	credit_state *s = state;
	int64_t		count = s->names.count;
	rk_status	status = rk_write(ctx, writer, &count, sizeof(count));

	return status == RK_OK && count > 0 ? rk_write(ctx, writer, s->exposures, count * sizeof(exposure)) : status;
}

static rk_status
read_exposure(rk_ctx *ctx, void *state, rk_reader *reader)
{
	credit_state *s = state;
	exposure	e;
	rk_status	status = rk_read_bytes(ctx, reader, &e, sizeof(e));

	if (status != RK_OK || (status = reserve(ctx, s)) != RK_OK)
		return status;
	if (rk_names_find(&s->names, e.request.obligor) != RK_NO_NAME)
		return rk_fail(ctx, RK_ERR_CORRUPT, "snapshot has an obligor twice");
	s->exposures[rk_names_add(&s->names, e.request.obligor)] = e;
	count_exposure(s, &e, 1);
	return RK_OK;
}

static rk_status
credit_restore(rk_ctx *ctx, const rk_options *options, uint32_t version, rk_reader *reader, void **state)
{
	rk_status	status = credit_init(ctx, options, state);

	(void) version;
	return status == RK_OK ? rk_read_each(ctx, reader, read_exposure, *state) : status;
}

static uint64_t
credit_checksum(rk_ctx *ctx, void *state)
{
	credit_state *s = state;
	uint64_t	sum = 0;

	(void) ctx;
	/* a sum: the order of the obligors does not matter */
	for (uint32_t i = 0; i < s->names.count; i++)
	{
		const exposure *e = &s->exposures[i];
		uint64_t	h = rk_name_hash(e->request.obligor);

		h = rk_hash_fold(h, rk_number_bits(e->request.pd));
		h = rk_hash_fold(h, rk_number_bits(e->request.lgd));
		h = rk_hash_fold(h, (uint64_t) e->request.ead);
		h = rk_hash_fold(h, rk_number_bits(e->request.maturity));
		h = rk_hash_fold(h, rk_number_bits(e->request.sales));
		h = rk_hash_fold(h, rk_number_bits(e->request.best_estimate_loss));
		h = rk_hash_fold(h, (uint64_t) e->request.asset_class);
		h = rk_hash_fold(h, (uint64_t) e->expected_loss);
		sum += rk_hash_fold(h, (uint64_t) e->rwa);
	}
	sum = rk_hash_fold(sum, (uint64_t) s->ead);
	sum = rk_hash_fold(sum, (uint64_t) s->expected_loss);
	return rk_hash_fold(sum, (uint64_t) s->rwa);
}

static const rk_param credit_options[] = {
	{.name = "exposures",.type = RK_TYPE_RELATION,.initial = "NULL",
	.meaning = "rows (obligor, pd, lgd, ead[, maturity, asset_class, ...]) to begin with"},
	{.name = "basel",.type = RK_TYPE_TEXT,.initial = "'basel3_final'",.choices = rk_basel_names,
	.meaning = "which floors of the PD hold"},
	{0}
};

static const rk_actor_load credit_loads[] = {{"exposures", 442}, {0}};

const rk_actor rk_actor_risk_credit_scoring = {
	.kernel = "risk/credit-scoring",
	.version = 1,
	.description = "exposures of a credit book, their expected loss and risk-weighted assets",
	.messages = rk_risk_credit_messages,
	.options = credit_options,
	.loads = credit_loads,
	.init = credit_init,
	.handle = credit_handle,
	.snapshot = credit_snapshot,
	.restore = credit_restore,
	.checksum = credit_checksum
};
