/* SPDX-License-Identifier: ISC */
/* inspect KERNEL: needs no daemon. */
#include "api/cleanup.h"
#include "api/kernel.h"
#include "api/process.h"
#include "images/helper.h"
#include "print.h"

int cmd_inspect(struct cmd_context *ctx, struct mir_error *err)
{
    struct mir_kernel kernel;
    mir_auto_free char *helper = mir_program_path("mirage-image", err);
    if (!helper || img_inspect_file(helper, cmd_args_text(&ctx->args, OPT_KERNEL), 0, &kernel, err))
        return -1;
    json_t *json = mir_kernel_to_json(&kernel);
    if (!json)
        return mir_fail(err, MIR_INTERNAL, "the inspection holds text that is not UTF-8");
    if (ctx->json)
        cmd_print_json(ctx, json);
    else
        cmd_print_kernel(ctx, json);
    json_decref(json);
    return 0;
}
