/* SPDX-License-Identifier: ISC */
#include "openstack/volume.h"
#include "openstack/workflow.h"
#include "real.h"

static void triggers(void)
{
    json_t *input = json_pack("{s:s}", "url", "http://127.0.0.1/");
    int64_t first = mir_now_s(mir_clock_system()) + 3600;
    struct os_create_trigger args = {.name = real.name,
                                     .workflow = real.name,
                                     .input = input,
                                     .pattern = "* * * * *",
                                     .first_s = first,
                                     .executions = 5};
    struct os_trigger made = {0}, second = {0};
    struct os_triggers list = {0};
    bool found = false;
    DOES(os_trigger_create(real.session, &args, real.until_ms, &made, &real.err));
    EXPECT(made.next_s >= first && made.next_s < first + 60 && made.executions == 5);
    REFUSED(os_trigger_create(real.session, &args, real.until_ms, &second, &real.err),
            MIR_CONFLICT);
    DOES(os_trigger_get(real.session, real.name, real.until_ms, &made, &real.err));
    DOES(os_trigger_list(real.session, real.until_ms, &list, &real.err));
    for (size_t i = 0; i < list.count; i++)
        found = found || !strcmp(list.rows[i].name, real.name);
    EXPECT(found);
    DOES(os_trigger_delete(real.session, real.name, real.until_ms, &real.err));
    REFUSED(os_trigger_get(real.session, real.name, real.until_ms, &made, &real.err),
            MIR_NOT_FOUND);
    os_triggers_clear(&list);
    os_trigger_clear(&made);
    json_decref(input);
}

static void workflows(void)
{
    mir_auto_free char *text =
        mir_format("version: '2.0'\n%s:\n  input: [url]\n  tasks:\n    ask:\n"
                   "      action: std.http url=<%% $.url %%>\n",
                   real.name);
    struct os_workflows made = {0}, list = {0}, second = {0};
    if (!DOES(os_workflow_create(real.session, text, real.until_ms, &made, &real.err)))
        return;
    EXPECT(made.count == 1 && !strcmp(made.rows[0].name, real.name));
    REFUSED(os_workflow_create(real.session, text, real.until_ms, &second, &real.err),
            MIR_CONFLICT);
    REFUSED(os_workflow_create(real.session, "no: workflow", real.until_ms, &second, &real.err),
            MIR_USAGE);
    DOES(os_workflow_list(real.session, real.until_ms, &list, &real.err));
    EXPECT(list.count > 0);
    triggers();
    DOES(os_workflow_delete(real.session, real.name, real.until_ms, &real.err));
    os_workflows_clear(&made);
    os_workflows_clear(&list);
}

static void volumes(void)
{
    struct os_volumes list = {0};
    struct os_snapshots snapshots = {0};
    struct os_volume one = {.id = ""};
    DOES(os_volume_list(real.session, real.until_ms, &list, &real.err));
    DOES(os_snapshot_list(real.session, real.until_ms, &snapshots, &real.err));
    REFUSED(os_volume_get(real.session, "6ba7b810-9dad-41d1-80b4-00c04fd430c8", real.until_ms, &one,
                          &real.err),
            MIR_NOT_FOUND);
    os_volumes_clear(&list);
    os_snapshots_clear(&snapshots);
}

void real_workflows(void)
{
    bool mistral = false, cinder = false;
    DOES(os_session_has(real.session, OS_WORKFLOW, real.until_ms, &mistral, &real.err));
    DOES(os_session_has(real.session, OS_VOLUME, real.until_ms, &cinder, &real.err));
    if (mistral)
        workflows();
    else
        printf("# no Mistral here\n");
    if (cinder)
        volumes();
    else
        printf("# no Cinder here\n");
}
