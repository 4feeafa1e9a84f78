/*
 * messages.c
 *	  The messages of the actor of correlations.
 */
#include "correlation_ring.h"

static const rk_field no_fields[] = {{0}};

static const rk_field asset_name[] = {
	RK_ASSET_FIELD(rk_asset_name, asset, "the asset"),
	{0}
};

static const rk_field observe_request[] = {
	RK_ASSET_FIELD(rk_observe_request, asset, "the asset, 40 bytes at most"),
	RK_FIELD(rk_observe_request, value, RK_FIELD_FLOAT8,.meaning = "its return, or with the option as_returns its price"),
	RK_FIELD(rk_observe_request, ts, RK_FIELD_TIME,.meaning = "when; not before the time of another observation"),
	{0}
};

static const rk_field observe_reply[] = {
	RK_FIELD(rk_observe_reply, correlations_updated, RK_FIELD_INT4,
			 .meaning = "number of assets that were observed at this time before"),
	RK_FIELD(rk_observe_reply, change_count, RK_FIELD_INT4,
			 .meaning = "how many of these correlations changed by the option change_threshold"),
	RK_FIELD(rk_observe_reply, max_change, RK_FIELD_FLOAT8,.initial = "NULL",
			 .meaning = "the largest change of them, with its sign; NULL: there was no correlation before"),
	RK_ASSET_FIELD(rk_observe_reply, other_asset, "the other asset of the largest change"),
	{0}
};

static const rk_field pair_request[] = {
	RK_ASSET_FIELD(rk_pair_request, asset_i, "an asset"),
	RK_ASSET_FIELD(rk_pair_request, asset_j, "another one"),
	{0}
};

static const rk_field pair_reply[] = {
	RK_FIELD(rk_pair_reply, correlation, RK_FIELD_FLOAT8,.initial = "NULL",
			 .meaning = "NULL: fewer than min_observations, or one of them is constant"),
	RK_FIELD(rk_pair_reply, num_observations, RK_FIELD_INT8,.meaning = "times at which both were observed"),
	RK_STATUS_FIELD(rk_pair_reply, "whether there are such assets"),
	{0}
};

static const rk_field correlation_row[] = {
	RK_ASSET_FIELD(rk_correlation_row, asset_j, "another asset, in the order in which they came"),
	RK_FIELD(rk_correlation_row, correlation, RK_FIELD_FLOAT8,.initial = "NULL",
			 .meaning = "NULL: fewer than min_observations, or one of them is constant"),
	RK_FIELD(rk_correlation_row, num_observations, RK_FIELD_INT8,.meaning = "times at which both were observed"),
	{0}
};

static const rk_field correlation_alert[] = {
	RK_ASSET_FIELD(rk_correlation_alert, asset_i, "the asset that was observed"),
	RK_ASSET_FIELD(rk_correlation_alert, asset_j, "the other one"),
	RK_FIELD(rk_correlation_alert, previous_correlation, RK_FIELD_FLOAT8,.meaning = "before the observation"),
	RK_FIELD(rk_correlation_alert, correlation, RK_FIELD_FLOAT8,.meaning = "with it"),
	RK_FIELD(rk_correlation_alert, ts, RK_FIELD_TIME,.meaning = "of the observation"),
	{0}
};

static const rk_field correlation_reset_reply[] = {
	RK_FIELD(rk_correlation_reset_reply, assets, RK_FIELD_INT8,.meaning = "number of assets that were forgotten"),
	{0}
};

const rk_message_type rk_risk_correlation_messages[] = {
	{
		.type_id = 480,
		.reply_id = 481,
		.name = "CorrelationObserve",
		.kernel = "risk/realtime-correlation",
		.function = "ring_risk_correlation_observe",
		.description = "tells a risk/realtime-correlation ring the value of an asset at a time",
		.mutating = true,
		.request = observe_request,
		.request_size = sizeof(rk_observe_request),
		.reply = observe_reply,
		.reply_size = sizeof(rk_observe_reply)
	},
	{
		.type_id = 482,
		.reply_id = 483,
		.name = "CorrelationQueryPair",
		.kernel = "risk/realtime-correlation",
		.function = "ring_risk_correlation_query_pair",
		.description = "correlation of two assets in a risk/realtime-correlation ring; no row for an asset it does not have",
		.request = pair_request,
		.request_size = sizeof(rk_pair_request),
		.reply = pair_reply,
		.reply_size = sizeof(rk_pair_reply),
		.found = "status"
	},
	{
		.type_id = 484,
		.reply_id = 485,
		.name = "CorrelationQueryRow",
		.kernel = "risk/realtime-correlation",
		.function = "ring_risk_correlation_query_row",
		.description = "correlations of an asset with all others in a risk/realtime-correlation ring",
		.request = asset_name,
		.request_size = sizeof(rk_asset_name),
		.reply = no_fields,
		.reply_size = 0,
		.rows = correlation_row,
		.row_size = sizeof(rk_correlation_row)
	},
	{
		.type_id = 486,
		.name = "CorrelationAlert",
		.kernel = "risk/realtime-correlation",
		.description = "a correlation that one observation has changed by the option change_threshold",
		.request = correlation_alert,
		.request_size = sizeof(rk_correlation_alert),
		.published = true
	},
	{
		.type_id = 487,
		.reply_id = 488,
		.name = "CorrelationReset",
		.kernel = "risk/realtime-correlation",
		.function = "ring_risk_correlation_reset",
		.description = "forgets all assets of a risk/realtime-correlation ring",
		.mutating = true,
		.request = no_fields,
		.request_size = sizeof(rk_no_request),
		.reply = correlation_reset_reply,
		.reply_size = sizeof(rk_correlation_reset_reply)
	},
	{0}
};
