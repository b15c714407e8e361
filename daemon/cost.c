/* SPDX-License-Identifier: ISC */
#include "daemon/cost.h"

#include <inttypes.h>
#include <stdio.h>

#include "api/memory.h"

bool mird_price_free(const struct mir_price *price)
{
    return price->known && !price->per_hour_micro && !price->once_micro;
}

int64_t mird_cost_worst(const struct mir_price *price, int64_t created_s, int64_t deadline_s)
{
    if (!price->known)
        return MIRD_COST_UNKNOWN;
    if (mird_price_free(price))
        return 0;
    if (mir_forever(deadline_s) && price->per_hour_micro)
        return MIRD_COST_ENDLESS;
    return mir_price_cost(price, deadline_s - created_s);
}

int64_t mird_cost_most(const struct mir_price *price, int64_t created_s, int64_t deadline_s)
{
    return mir_forever(deadline_s) ? MIRD_COST_ENDLESS
                                   : mird_cost_worst(price, created_s, deadline_s);
}

/* Was anything of it ever there, or may it be? */
static bool existed(const struct mird_deployment *d)
{
    return d->running_ms || d->instance.started_ms || d->trail.object_count ||
           (!d->finished_s && (d->last_create_ms || d->last_put_ms));
}

static int64_t begun_s(const struct mird_deployment *d)
{
    if (d->instance.started_ms > 0)
        return d->instance.started_ms / 1000;
    return d->running_ms ? d->running_ms / 1000 : d->created_s;
}

int64_t mird_cost_so_far(const struct mird_deployment *d, int64_t now_s)
{
    if (!existed(d))
        return 0;
    if (!d->price.known)
        return MIRD_COST_UNKNOWN;
    int64_t until_s = d->trail.instance.gone_ms ? d->trail.instance.gone_ms / 1000
                      : d->finished_s           ? d->finished_s
                                                : now_s;
    return mir_price_cost(&d->price, until_s - begun_s(d));
}

/* --- documents --- */

static json_t *amount_json(int64_t micro)
{
    return micro == MIRD_COST_UNKNOWN || micro == MIRD_COST_ENDLESS ? json_null()
                                                                    : json_integer(micro);
}

static json_t *text_json(const char *text)
{
    return *text ? json_string(text) : json_null();
}

json_t *mird_cost_json(const struct mir_price *price, int64_t budget_micro, int64_t so_far_micro,
                       int64_t worst_micro)
{
    int64_t per_hour = price->known ? price->per_hour_micro : MIRD_COST_UNKNOWN;
    int64_t once = price->known ? price->once_micro : MIRD_COST_UNKNOWN;
    return json_pack("{s:s,s:o,s:o,s:o,s:o,s:o,s:o,s:o}", "currency", "USD", "per_hour_micro",
                     amount_json(per_hour), "once_micro", amount_json(once), "so_far_micro",
                     amount_json(so_far_micro), "worst_micro", amount_json(worst_micro),
                     "budget_micro", budget_micro ? json_integer(budget_micro) : json_null(),
                     "price_date", text_json(price->date), "note", text_json(price->note));
}

/* Once it is over nothing worse can come, and what is not gone at its deadline costs on. */
json_t *mird_deployment_cost_json(const struct mird_deployment *d, int64_t now_s)
{
    int64_t so_far = mird_cost_so_far(d, now_s);
    int64_t worst = mird_cost_most(&d->price, d->created_s, d->deadline_s);
    if (d->finished_s || (worst >= 0 && so_far > worst))
        worst = so_far;
    return mird_cost_json(&d->price, d->place.budget_micro, so_far, worst);
}

/* --- budgets --- */

void mird_committed_add(struct mird_committed *committed, const char *name, int64_t worst_micro)
{
    if (worst_micro == MIRD_COST_UNKNOWN)
        mir_copy(committed->unknown, sizeof committed->unknown, name);
    else if (worst_micro == MIRD_COST_ENDLESS)
        mir_copy(committed->endless, sizeof committed->endless, name);
    else if (__builtin_add_overflow(committed->worst_micro, worst_micro, &committed->worst_micro))
        committed->worst_micro = INT64_MAX;
}

/* What becomes of it, and what can be done: the beginning of each hint. */
static const char *stays(const struct mird_budget *budget)
{
    return budget->extends ? "its deadline stays; " : "nothing was started; ";
}

static int not_known(const struct mird_budget *budget, struct mir_error *err)
{
    const char *note = budget->price->note;
    mir_fail(err, MIR_POLICY, "what it costs on %s is not known%s%s%s, so no budget can hold it",
             budget->provider, *note ? " (" : "", note, *note ? ")" : "");
    if (budget->extends)
        return mir_error_hint(err, "%slet it end, or end it now with mirage-deploy rm %s",
                              stays(budget), budget->extends);
    return mir_error_hint(err, "%schoose another --type or --region, or %s", stays(budget),
                          budget->own_micro ? "deploy without --budget"
                                            : "take budget out of section [policy]");
}

static int no_end(const struct mird_budget *budget, struct mir_error *err)
{
    mir_fail(err, MIR_POLICY,
             "a deployment on %s without an end costs without an end, so no "
             "budget can hold it",
             budget->provider);
    return mir_error_hint(err, "%sdeploy with --ttl or --until", stays(budget));
}

/* The longest that it may live with so much money; 0: not at all. */
static int64_t affordable_s(const struct mird_budget *budget, int64_t micro)
{
    const struct mir_price *price = budget->price;
    int64_t left = micro - price->once_micro, product;
    if (left <= 0 || !price->per_hour_micro || __builtin_mul_overflow(left, 3600, &product))
        return 0;
    int64_t seconds = product / price->per_hour_micro;
    return seconds < (int64_t)price->least_s ? 0 : seconds;
}

/* "deploy with --ttl 5400s (1h30m) or less": as far as there is one that can be afforded. */
static void shorter_text(const struct mird_budget *budget, int64_t micro, char out[128])
{
    char text[MIR_TIME_SIZE];
    int64_t seconds = affordable_s(budget, micro);
    out[0] = '\0';
    if (seconds <= 0)
        return;
    mir_duration_format(seconds, text);
    if (budget->extends)
        snprintf(out, 128, "it may live for %s from its beginning", text);
    else
        snprintf(out, 128, "deploy with --ttl %" PRId64 "s (%s) or less", seconds, text);
}

static int above_own(const struct mird_budget *budget, int64_t worst_micro, struct mir_error *err)
{
    char worst[MIR_MONEY_TEXT], limit[MIR_MONEY_TEXT], shorter[128];
    mir_money_format(worst_micro, worst);
    mir_money_format(budget->own_micro, limit);
    mir_fail(err, MIR_POLICY,
             "until its deadline it may cost %s USD, which is more than its budget of %s USD",
             worst, limit);
    shorter_text(budget, budget->own_micro, shorter);
    if (budget->extends)
        return mir_error_hint(err, "%s%s", stays(budget),
                              *shorter ? shorter : "deploy another with a larger budget");
    return mir_error_hint(err, "%s%s%s --budget %s or more", stays(budget), shorter,
                          *shorter ? ", or with" : "deploy with", worst);
}

static int above_all(const struct mird_budget *budget, int64_t worst_micro, struct mir_error *err)
{
    char worst[MIR_MONEY_TEXT], limit[MIR_MONEY_TEXT], taken[MIR_MONEY_TEXT], shorter[128];
    int64_t taken_micro = budget->committed->worst_micro;
    mir_money_format(worst_micro, worst);
    mir_money_format(budget->all_micro, limit);
    mir_money_format(taken_micro, taken);
    mir_fail(err, MIR_POLICY,
             "until its deadline it may cost %s USD, and what is under way %s USD, which is more "
             "than the budget here of %s USD",
             worst, taken, limit);
    shorter_text(budget, budget->all_micro - taken_micro, shorter);
    return mir_error_hint(err,
                          "%s%s%send one with mirage-deploy rm NAME, or raise budget in section "
                          "[policy]",
                          stays(budget), shorter, *shorter ? ", " : "");
}

/* The budget holds nothing while one lease is outside of it. */
static int not_held(const struct mird_budget *budget, struct mir_error *err)
{
    const struct mird_committed *committed = budget->committed;
    bool unknown = *committed->unknown != '\0';
    const char *name = unknown ? committed->unknown : committed->endless;
    mir_fail(err, MIR_POLICY, "the budget here cannot be held: '%s' %s", name,
             unknown ? "runs at a price that is not known" : "costs and has no end");
    return mir_error_hint(err,
                          "%send it with mirage-deploy rm %s, or take budget out of section "
                          "[policy]",
                          stays(budget), name);
}

int mird_budget_check(const struct mird_budget *budget, struct mir_error *err)
{
    int64_t worst = mird_cost_worst(budget->price, budget->created_s, budget->deadline_s), sum;
    if (worst == 0 || (!budget->own_micro && !budget->all_micro))
        return 0;
    if (worst == MIRD_COST_UNKNOWN)
        return not_known(budget, err);
    if (worst == MIRD_COST_ENDLESS)
        return no_end(budget, err);
    if (budget->own_micro && worst > budget->own_micro)
        return above_own(budget, worst, err);
    if (!budget->all_micro)
        return 0;
    if (*budget->committed->unknown || *budget->committed->endless)
        return not_held(budget, err);
    if (__builtin_add_overflow(worst, budget->committed->worst_micro, &sum) ||
        sum > budget->all_micro)
        return above_all(budget, worst, err);
    return 0;
}
