/* SPDX-License-Identifier: ISC */
/* Public clouds by the names that openstacksdk has for them. The facts are those of its folder
 * openstack/config/vendors (0.101), as far as something here asks for them. */
#include <string.h>

#include "api/error.h"
#include "config_inside.h"

struct vendor {
    const char *name;
    const char *auth_url;
    const char *domain;  /* of users and projects, by name */
    const char *regions; /* with commas between them */
    const char *identity_api, *image_api, *volume_api;
    const char *image_format;
    const char *floating_ip_source, *secgroup_source;
    const char *floating_ip; /* "true": an address has to be attached, "false": it has one */
    const char *image_tasks; /* "true": images come through Glance's tasks */
    const char *compute_name;
    const char *network; /* of those that a server may have, the one with the public addresses */
    const char *profile; /* the URL of the cloud itself, which knows the rest */
};

static const struct vendor vendors[] = {
    {.name = "auro",
     .auth_url = "https://api.van2.auro.io:5000/v3",
     .domain = "Default",
     .regions = "RegionOne",
     .identity_api = "3",
     .floating_ip = "true"},
    {.name = "betacloud",
     .volume_api = "3",
     .auth_url = "https://api-1.betacloud.de:5000",
     .regions = "betacloud-1",
     .identity_api = "3",
     .image_format = "raw"},
    {.name = "bluebox", .volume_api = "1", .regions = "RegionOne"},
    {.name = "catalyst",
     .volume_api = "1",
     .auth_url = "https://api.cloud.catalyst.net.nz:5000/v2.0",
     .regions = "nz-por-1,nz_wlg_2",
     .image_api = "1",
     .image_format = "raw"},
    {.name = "citycloud",
     .volume_api = "1",
     .auth_url = "https://{region_name}.citycloud.com:5000/v3/",
     .regions = "Buf1,Fra1,Lon1,Sto2,Kna1,dx1,tky1",
     .identity_api = "3",
     .floating_ip = "true"},
    {.name = "conoha",
     .auth_url = "https://identity.{region_name}.conoha.io",
     .regions = "sin1,sjc1,tyo1",
     .identity_api = "2"},
    {.name = "dreamcompute",
     .auth_url = "https://iad2.dream.io:5000",
     .regions = "RegionOne",
     .identity_api = "3",
     .image_format = "raw"},
    {.name = "elastx",
     .auth_url = "https://ops.elastx.cloud:5000/v3",
     .regions = "se-sto",
     .identity_api = "3"},
    {.name = "entercloudsuite",
     .volume_api = "1",
     .auth_url = "https://api.entercloudsuite.com/",
     .regions = "it-mil1,nl-ams1,de-fra1",
     .identity_api = "3",
     .image_api = "1"},
    {.name = "fuga",
     .volume_api = "3",
     .auth_url = "https://identity.api.fuga.io:5000",
     .domain = "Default",
     .regions = "cystack",
     .identity_api = "3"},
    {.name = "ibmcloud",
     .volume_api = "2",
     .auth_url = "https://identity.open.softlayer.com",
     .regions = "london",
     .identity_api = "3"},
    {.name = "internap",
     .auth_url = "https://identity.api.cloud.iweb.com",
     .regions = "ams01,da01,nyj01,sin01,sjc01",
     .identity_api = "3",
     .floating_ip_source = "None"},
    {.name = "limestonenetworks",
     .volume_api = "3",
     .auth_url = "https://auth.cloud.lstn.net:5000/v3",
     .regions = "us-dfw-1,us-slc",
     .identity_api = "3",
     .image_format = "raw",
     .network = "Public Internet"},
    {.name = "otc",
     .auth_url = "https://iam.{region_name}.otc.t-systems.com/v3",
     .regions = "eu-de,eu-nl",
     .identity_api = "3",
     .image_format = "qcow2"},
    {.name = "ovh",
     .auth_url = "https://auth.cloud.ovh.net/",
     .domain = "Default",
     .regions = "BHS,BHS1,BHS3,BHS5,DE,DE1,GRA,GRA1,GRA5,GRA7,SBG,SBG1,SBG5,"
                "UK,UK1,WAW,WAW1,SYD1,SGP1",
     .identity_api = "3",
     .floating_ip_source = "None"},
    {.name = "ovh-us",
     .auth_url = "https://auth.cloud.ovh.us/",
     .domain = "Default",
     .regions = "US-EAST-VA-1",
     .identity_api = "3",
     .floating_ip_source = "None"},
    {.name = "rackspace",
     .volume_api = "2",
     .auth_url = "https://identity.api.rackspacecloud.com/v2.0/",
     .regions = "DFW,HKG,IAD,ORD,SYD,LON",
     .image_format = "vhd",
     .floating_ip_source = "None",
     .secgroup_source = "None",
     .floating_ip = "false",
     .image_tasks = "true",
     .compute_name = "cloudServersOpenStack"},
    {.name = "switchengines",
     .auth_url = "https://keystone.cloud.switch.ch:5000/v3",
     .regions = "LS,ZH",
     .identity_api = "3",
     .image_format = "raw"},
    {.name = "ultimum",
     .volume_api = "1",
     .auth_url = "https://console.ultimum-cloud.com:5000/",
     .regions = "RegionOne",
     .identity_api = "3"},
    {.name = "unitedstack",
     .volume_api = "1",
     .auth_url = "https://identity.api.ustack.com/v3",
     .regions = "bj1,gd1",
     .identity_api = "3",
     .image_format = "raw",
     .floating_ip_source = "None"},
    {.name = "vexxhost", .profile = "https://vexxhost.com"},
    {.name = "zetta",
     .auth_url = "https://identity.api.zetta.io/v3",
     .regions = "no-osl1",
     .identity_api = "3"},
};

static const struct {
    const char *key;
    size_t at;
} fields[] = {
    {"auth.auth_url", offsetof(struct vendor, auth_url)},
    {"auth.user_domain_name", offsetof(struct vendor, domain)},
    {"auth.project_domain_name", offsetof(struct vendor, domain)},
    {"region_name", offsetof(struct vendor, regions)},
    {"identity_api_version", offsetof(struct vendor, identity_api)},
    {"image_api_version", offsetof(struct vendor, image_api)},
    {"block_storage_api_version", offsetof(struct vendor, volume_api)},
    {"image_format", offsetof(struct vendor, image_format)},
    {"floating_ip_source", offsetof(struct vendor, floating_ip_source)},
    {"secgroup_source", offsetof(struct vendor, secgroup_source)},
    {"requires_floating_ip", offsetof(struct vendor, floating_ip)},
    {"image_api_use_tasks", offsetof(struct vendor, image_tasks)},
    {"compute_service_name", offsetof(struct vendor, compute_name)},
    {"external_network", offsetof(struct vendor, network)},
    {"profile", offsetof(struct vendor, profile)},
};

static const struct vendor *find(const char *name)
{
    for (size_t i = 0; i < MIR_NELEMS(vendors); i++)
        if (!strcmp(vendors[i].name, name))
            return &vendors[i];
    return NULL;
}

bool os_vendor_known(const char *name)
{
    return find(name) != NULL;
}

void os_vendor_lay(const char *name, const char *origin, struct os_settings *to)
{
    const struct vendor *vendor = find(name);
    for (size_t i = 0; i < MIR_NELEMS(fields); i++) {
        const char *text = *(const char *const *)((const char *)vendor + fields[i].at);
        if (text)
            os_settings_set(to, fields[i].key, text, origin);
    }
}
