# SPDX-License-Identifier: ISC
"""Nova's servers on mirage-fakecloud with machines: hello, booted directly and from a disk, reached
at its floating address and on a network that everybody shares."""
import os
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request

from fakecloud import fakecloud
from mirage import PATIENCE, Skip, Tap, need_programs, program, wait_for
from oscloud import User

PORT = 8080  # anybody may have it


def group(user, port=PORT):
    made = user.call('network', 'POST', '/v2.0/security-groups', {'security_group': {'name': 'g'}})
    ident = made.json['security_group']['id']
    rule = user.call('network', 'POST', '/v2.0/security-group-rules', {'security_group_rule': {
        'security_group_id': ident, 'direction': 'ingress', 'protocol': 'tcp',
        'port_range_min': port, 'port_range_max': port, 'remote_ip_prefix': '0.0.0.0/0'}})
    return ident, rule.json['security_group_rule']['id']


def float_to(user, server):
    """A floating address that leads there."""
    rows = user.call('network', 'GET', '/v2.0/networks?router:external=true').json['networks']
    port = user.call('network', 'GET', f'/v2.0/ports?device_id={server}').json['ports'][0]['id']
    made = user.call('network', 'POST', '/v2.0/floatingips', {'floatingip': {
        'floating_network_id': rows[0]['id'], 'port_id': port}})
    return made.json['floatingip']['floating_ip_address']


def answer(address):
    try:
        with urllib.request.urlopen(f'http://{address}:{PORT}/', timeout=5) as reply:
            return reply.read().decode()
    except (urllib.error.URLError, OSError):
        return ''


def direct_image(user, words):
    """hello as a kernel, and the empty disk that Nova wants beside it."""
    with open(program('hello.elf'), 'rb') as file:
        kernel = user.image(file.read(), disk_format='aki', container_format='aki')
    return user.image(bytes(65536), kernel_id=kernel, os_command_line=words)


def console(user, server):
    return user.action(server, {'os-getConsoleOutput': {}}).json['output']


def direct(tap, user):
    with tap.part('booted directly, with the words of its image; reached at a floating address'):
        image = direct_image(user, f'port={PORT} name=direct')
        ident, rule = group(user)
        server = user.server(image, security_groups=[{'name': 'g'}])
        fixed = user.reach(server, 'ACTIVE')['addresses']['private'][0]['addr']
        assert not fixed.startswith('127.')
        address = float_to(user, server)
        assert address.startswith('127.')
        wait_for('hello', 30 * PATIENCE, lambda: 'direct' in answer(address))
        wait_for('its console', 10 * PATIENCE, lambda: fixed in console(user, server))
    with tap.part('a rule that goes takes the port with it'):
        user.call('network', 'DELETE', f'/v2.0/security-group-rules/{rule}')
        wait_for('a closed port', 10 * PATIENCE, lambda: not answer(address))
    with tap.part('stopped, started, rebooted: it is a machine each time'):
        user.call('network', 'POST', '/v2.0/security-group-rules', {'security_group_rule': {
            'security_group_id': ident, 'direction': 'ingress', 'protocol': 'tcp'}})
        assert user.action(server, {'os-stop': None}).status == 202
        user.reach(server, 'SHUTOFF')
        wait_for('silence', 10 * PATIENCE, lambda: not answer(address))
        user.action(server, {'os-start': None})
        user.reach(server, 'ACTIVE')
        wait_for('hello again', 30 * PATIENCE, lambda: 'direct' in answer(address))
        before = console(user, server).count('direct')
        user.action(server, {'reboot': {'type': 'HARD'}})
        wait_for('another boot', 30 * PATIENCE, lambda: user.show(server)['status'] == 'ACTIVE' and
                 console(user, server).count('direct') > before)
    with tap.part('what is deleted is no machine any more, and leaves no file'):
        user.delete(server)
        user.is_gone(server)
        wait_for('silence', 10 * PATIENCE, lambda: not answer(address))
        folder = os.path.join(user.fake.state, 'volumes')
        wait_for('no files', 10 * PATIENCE, lambda: not os.listdir(folder))


def ends(tap, user):
    with tap.part('hello ends itself at its deadline: SHUTOFF, and no console'):
        now_s = user.fake.control('GET', '/_clock')['now_ms'] // 1000
        image = direct_image(user, f'deadline={now_s + 3} grace=1')
        server = user.server(image)
        wait_for('the end', 60 * PATIENCE, lambda: user.show(server)['status'] == 'SHUTOFF')
        assert user.action(server, {'os-getConsoleOutput': {}}).status == 404
        user.delete(server)
        user.is_gone(server)


def disks(tap, user, folder):
    with tap.part('from a disk, raw and qcow2, on another bus'):
        for form in ('raw', 'qcow2'):
            path = os.path.join(folder, form)
            done = subprocess.run([program('mirage-deploy'), 'image', 'build', program('hello.elf'),
                                   '-o', path, '--format', form, '--arg', f'port={PORT}'],
                                  capture_output=True, text=True, check=False)
            if done.returncode:
                raise Skip(f'no disk: {done.stderr.strip()}')
            with open(path, 'rb') as file:
                image = user.image(file.read(), disk_format=form,
                                   **({'hw_disk_bus': 'ide'} if form == 'raw' else {}))
            server = user.server(image, security_groups=[{'name': 'g'}])
            user.reach(server, 'ACTIVE')
            address = float_to(user, server)
            wait_for(f'hello from {form}', 60 * PATIENCE, lambda a=address: answer(a))
            user.delete(server)
            user.is_gone(server)


def shared(tap):
    with tap.part('a network of everybody: reached at the fixed address'), \
            fakecloud('--guests', 'qemu', '--set', 'os_networks=0', '--set',
                      'os_shared_networks=1') as fake:
        user = User(fake)
        image = direct_image(user, f'port={PORT}')
        group(user)
        server = user.server(image, networks=[], security_groups=[{'name': 'g'}])
        address = user.reach(server, 'ACTIVE')['addresses']['shared'][0]['addr']
        assert address.startswith('127.'), address
        wait_for('hello', 30 * PATIENCE, lambda: answer(address))


def main():
    need_programs('mirage-fakecloud', 'hello.elf')
    tap = Tap()
    with fakecloud('--guests', 'qemu') as fake, tempfile.TemporaryDirectory() as folder:
        user = User(fake)
        direct(tap, user)
        ends(tap, user)
        disks(tap, user, folder)
    shared(tap)
    return tap.end()


if __name__ == '__main__':
    sys.exit(main())
