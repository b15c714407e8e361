# SPDX-License-Identifier: ISC
"""IPv6 on OpenStack: addresses of both kinds, and of one kind alone; what the security group lets
in; networks that have none."""
import ipaddress
import sys

from fakecloud import fakecloud
from hasty import HastyWorld
from mirage import Tap, need_programs
from openstack import deploy, gone, of, one, start
from oscloud import User


def versions(port):
    return [ipaddress.ip_address(row['ip_address']).version for row in port['fixed_ips']]


def rules(fake, group):
    return {(r['document']['port_range_min'], r['document']['ethertype'])
            for r in fake.ledger()['exists'] if r['kind'] == 'os-security-group-rule' and
            r['document']['security_group_id'] == group['id'] and
            r['document']['direction'] == 'ingress'}


def of_the_fake(tap, fake):
    user = User(fake)

    def subnet(network, **more):
        return user.call('network', 'POST', '/v2.0/subnets', {'subnet': {
            'network_id': network, 'ip_version': 6, **more}})
    network = user.call('network', 'POST', '/v2.0/networks', {
        'network': {'name': 'six'}}).json['network']['id']
    with tap.part('the fake: subnets of IPv6, and what is none of them'):
        for status, more in ((400, {'cidr': '10.0.0.0/24'}), (400, {'cidr': 'fd00:1::/129'}),
                             (400, {'cidr': 'fd00:1:::/64'}), (400, {}),
                             (400, {'cidr': 'fd00:1::/64', 'ipv6_ra_mode': 'magic'}),
                             (400, {'cidr': '10.9.0.0/24', 'ip_version': 4,
                                    'ipv6_ra_mode': 'slaac'}),
                             (400, {'cidr': 'fd00:1::/64', 'ip_version': 5})):
            assert subnet(network, **more).status == status, more
        made = subnet(network, cidr='fd00:1::/64', ipv6_ra_mode='slaac',
                      ipv6_address_mode='slaac')
        assert made.status == 201, made.body
        shown = made.json['subnet']
        assert shown['gateway_ip'] == 'fd00:1::1', shown
        assert shown['allocation_pools'][0]['start'] == 'fd00:1::2', shown
    with tap.part('the fake: a port gets what there is, or what it asks for; none twice'):
        def port(**more):
            return user.call('network', 'POST', '/v2.0/ports', {'port': {
                'network_id': network, **more}})
        first, second = (port().json['port']['fixed_ips'] for _ in range(2))
        assert [r['ip_address'] for r in first] == ['fd00:1::2'], first
        assert [r['ip_address'] for r in second] == ['fd00:1::3'], second
        assert port(fixed_ips=[{'ip_address': 'fd00:1::3'}]).status == 409
        asked = port(fixed_ips=[{'ip_address': 'fd00:1::9'}]).json['port']['fixed_ips']
        assert asked == [{'subnet_id': shown['id'], 'ip_address': 'fd00:1::9'}], asked
        assert port(fixed_ips=[{'ip_address': 'fd00:2::9'}]).status == 409
    with tap.part('the fake: no floating address leads to a port without IPv4'):
        alone = port().json['port']['id']
        public = [n['id'] for n in user.call('network', 'GET', '/v2.0/networks').json['networks']
                  if n['router:external']][0]
        reply = user.call('network', 'POST', '/v2.0/floatingips', {'floatingip': {
            'floating_network_id': public, 'port_id': alone}})
        assert reply.status == 400 and b'no fixed IPv4' in reply.body, reply.body
    for row in user.call('network', 'GET', '/v2.0/ports').json['ports']:
        if row['network_id'] == network:
            user.call('network', 'DELETE', f'/v2.0/ports/{row["id"]}')
    assert user.call('network', 'DELETE', f'/v2.0/networks/{network}').status == 204


def deployments(tap, world, fake):
    with tap.part('a network that has both: a floating address, and the server\'s own of IPv6'):
        deploy(world, 'both')
        found = of(fake, world, 'both')
        port = one(found, 'os-port')
        assert sorted(versions(port)) == [4, 6], port
        floating = one(found, 'os-floating-ip')['floating_ip_address']
        sixth = [r['ip_address'] for r in port['fixed_ips'] if ':' in r['ip_address']]
        world.until('both are known', lambda: len(world.show('both')['addresses']) == 2)
        assert world.show('both')['addresses'] == [floating, *sixth], world.show('both')
        assert rules(fake, one(found, 'os-security-group')) == {(22, 'IPv4'), (22, 'IPv6')}
    with tap.part('--ipv6-only: one address, no floating one, rules for it alone'):
        deploy(world, 'six', '--ipv6-only', '--open', '80', '--detach')
        world.until('it runs', lambda: world.state_of('six') == 'running')
        found = of(fake, world, 'six')
        port = one(found, 'os-port')
        assert versions(port) == [6], port
        assert 'os-floating-ip' not in found, found['os-floating-ip']
        address = port['fixed_ips'][0]['ip_address']
        world.until('it is known', lambda: world.show('six')['addresses'] == [address])
        assert world.show('six')['url'] == f'http://[{address}]/', world.show('six')
        assert rules(fake, one(found, 'os-security-group')) == {(22, 'IPv6'), (80, 'IPv6')}
    with tap.part('an address that is kept is none of IPv6'):
        done = deploy(world, 'no', '--ipv6-only', '--keep-address', expect=2)
        assert 'IPv4' in done.err, done.err
    for name in ('both', 'six'):
        world.cli('rm', name, '--detach')
        gone(fake, world, name)


def without(tap):
    with fakecloud() as fake, HastyWorld(fake) as world:
        start(world, fake)
        with tap.part('--ipv6-only where there is none: refused before anything is made'):
            before = {row['id'] for row in fake.ledger()['exists']}
            done = deploy(world, 'no', '--ipv6-only', expect=5)
            assert 'no IPv6' in done.err and 'network in section' in done.err, done.err
            made = [row['kind'] for row in fake.ledger()['exists'] if row['id'] not in before]
            assert set(made) <= {'os-token'}, made


def main():
    need_programs('mirage-deploy', 'mirage-deployd', 'mirage-image', 'mirage-reap',
                  'mirage-fakecloud', 'hello.elf')
    tap = Tap()
    with fakecloud('--set', 'os_ipv6=1') as fake, HastyWorld(fake) as world:
        start(world, fake)
        of_the_fake(tap, fake)
        deployments(tap, world, fake)
        world.say_log(tap)
    without(tap)
    return tap.end()


if __name__ == '__main__':
    sys.exit(main())
