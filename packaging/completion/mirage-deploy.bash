# bash completion of mirage-deploy; made by: mirage-deploy completion bash
# shellcheck disable=SC2207 # zsh, which runs this too, has no such mapfile
_mirage_deploy() {
  local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}
  local words='' names=0 files=0 command='' i IFS=$' \t\n'
  COMPREPLY=()
  case $prev in
    --name) COMPREPLY=(); return ;;
    --ttl) COMPREPLY=(); return ;;
    --until) COMPREPLY=(); return ;;
    --reason) COMPREPLY=(); return ;;
    --memory) COMPREPLY=(); return ;;
    --publish|-p) COMPREPLY=(); return ;;
    --url) COMPREPLY=(); return ;;
    --firmware) COMPREPLY=($(compgen -W 'bios uefi' -- "$cur")); return ;;
    --carrier) COMPREPLY=($(compgen -W 'auto never always' -- "$cur")); return ;;
    --block) COMPREPLY=(); return ;;
    --disk-bus) COMPREPLY=($(compgen -W 'ide virtio nvme scsi' -- "$cur")); return ;;
    --nic) COMPREPLY=($(compgen -W 'virtio e1000 e1000e none' -- "$cur")); return ;;
    --cloud) COMPREPLY=(); return ;;
    --region) COMPREPLY=(); return ;;
    --type) COMPREPLY=(); return ;;
    --open) COMPREPLY=(); return ;;
    --budget) COMPREPLY=(); return ;;
    --wait-timeout) COMPREPLY=(); return ;;
    --since) COMPREPLY=(); return ;;
    --for) COMPREPLY=($(compgen -W 'pending preparing uploading launching running live ending gone failed stuck' -- "$cur")); return ;;
    --timeout) COMPREPLY=(); return ;;
    --data) COMPREPLY=(); return ;;
    --grace) COMPREPLY=(); return ;;
    --output|-o) IFS=$'\n'; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    --format) COMPREPLY=($(compgen -W 'raw qcow2 vhd vhd-dynamic vmdk extents ec2-bundle' -- "$cur")); return ;;
    --boot) COMPREPLY=($(compgen -W 'bios uefi both pvgrub pvgrub-bare' -- "$cur")); return ;;
    --arg) COMPREPLY=(); return ;;
    --module) IFS=$'\n'; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    --size) COMPREPLY=(); return ;;
    --prove-timeout) COMPREPLY=(); return ;;
    --cert) IFS=$'\n'; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    --key) IFS=$'\n'; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    --ec2-cert) IFS=$'\n'; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    --account) COMPREPLY=(); return ;;
    --kernel-id) COMPREPLY=(); return ;;
    --socket) IFS=$'\n'; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    --state) IFS=$'\n'; COMPREPLY=($(compgen -f -- "$cur")); return ;;
    --config) IFS=$'\n'; COMPREPLY=($(compgen -f -- "$cur")); return ;;
  esac
  for ((i = 1; i < COMP_CWORD; i++)); do
    case ${COMP_WORDS[i]} in
    --) return ;;
    -*) ;;
    *) case $command in
       '') command=${COMP_WORDS[i]} ;;
       site|daemon|config) command="$command ${COMP_WORDS[i]}" ;;
       esac ;;
    esac
  done
  case $command in
    '') words=' local ec2 openstack ps show logs wait extend rm plan inspect image orphans reap doctor sites site badge providers daemon config completion api help version --json --quiet --color --no-color --input --no-input --socket --state --config --help --version' ;;
    'local') words=' --name --ttl --until --forever --reason --memory --publish --url --list --no-list --firmware --carrier --block --answer-ownership --disk-bus --nic --cloud --region --type --spot --ipv6-only --keep-address --open --budget --anyway --dry-run --detach --wait-timeout --prove --yes --json --quiet --color --no-color --input --no-input --socket --state --config --help --version'; names=0; files=1 ;;
    'ec2') words=' --name --ttl --until --forever --reason --memory --publish --url --list --no-list --firmware --carrier --block --answer-ownership --disk-bus --nic --cloud --region --type --spot --ipv6-only --keep-address --open --budget --anyway --dry-run --detach --wait-timeout --prove --yes --json --quiet --color --no-color --input --no-input --socket --state --config --help --version'; names=0; files=1 ;;
    'openstack') words=' --name --ttl --until --forever --reason --memory --publish --url --list --no-list --firmware --carrier --block --answer-ownership --disk-bus --nic --cloud --region --type --spot --ipv6-only --keep-address --open --budget --anyway --dry-run --detach --wait-timeout --prove --yes --json --quiet --color --no-color --input --no-input --socket --state --config --help --version'; names=0; files=1 ;;
    'ps') words=' --all --json --quiet --color --no-color --input --no-input --socket --state --config --help --version'; names=0; files=0 ;;
    'show') words=' --json --quiet --color --no-color --input --no-input --socket --state --config --help --version'; names=1; files=0 ;;
    'logs') words=' --follow --since --json --quiet --color --no-color --input --no-input --socket --state --config --help --version'; names=1; files=0 ;;
    'wait') words=' --for --timeout --json --quiet --color --no-color --input --no-input --socket --state --config --help --version'; names=1; files=0 ;;
    'extend') words=' --until --detach --wait-timeout --json --quiet --color --no-color --input --no-input --socket --state --config --help --version'; names=1; files=0 ;;
    'rm') words=' --detach --wait-timeout --yes --json --quiet --color --no-color --input --no-input --socket --state --config --help --version'; names=1; files=0 ;;
    'plan') words='local ec2 openstack --name --ttl --until --forever --reason --memory --publish --url --list --no-list --firmware --carrier --block --answer-ownership --disk-bus --nic --cloud --region --type --spot --ipv6-only --keep-address --open --budget --anyway --prove --json --quiet --color --no-color --input --no-input --socket --state --config --help --version'; names=0; files=1 ;;
    'inspect') words=' --json --quiet --color --no-color --input --no-input --socket --state --config --help --version'; names=0; files=1 ;;
    'image build') words=' --output --format --boot --arg --module --size --force --prove --prove-timeout --cert --key --ec2-cert --account --kernel-id --json --quiet --color --no-color --input --no-input --socket --state --config --help --version'; names=0; files=1 ;;
    'image') words=' build' ;;
    'orphans') words='local ec2 openstack --grace --json --quiet --color --no-color --input --no-input --socket --state --config --help --version'; names=0; files=0 ;;
    'reap') words='local ec2 openstack --grace --json --quiet --color --no-color --input --no-input --socket --state --config --help --version'; names=0; files=0 ;;
    'doctor') words='local ec2 openstack --print-policy --json --quiet --color --no-color --input --no-input --socket --state --config --help --version'; names=0; files=0 ;;
    'sites') words=' --json --quiet --color --no-color --input --no-input --socket --state --config --help --version'; names=0; files=0 ;;
    'site add') words=' --name --json --quiet --color --no-color --input --no-input --socket --state --config --help --version'; names=0; files=0 ;;
    'site') words=' add verify rm' ;;
    'site verify') words=' --json --quiet --color --no-color --input --no-input --socket --state --config --help --version'; names=0; files=0 ;;
    'site rm') words=' --yes --json --quiet --color --no-color --input --no-input --socket --state --config --help --version'; names=0; files=0 ;;
    'badge') words=' --json --quiet --color --no-color --input --no-input --socket --state --config --help --version'; names=1; files=0 ;;
    'providers') words=' --json --quiet --color --no-color --input --no-input --socket --state --config --help --version'; names=0; files=0 ;;
    'daemon start') words=' --json --quiet --color --no-color --input --no-input --socket --state --config --help --version'; names=0; files=0 ;;
    'daemon') words=' start stop status run' ;;
    'daemon stop') words=' --json --quiet --color --no-color --input --no-input --socket --state --config --help --version'; names=0; files=0 ;;
    'daemon status') words=' --json --quiet --color --no-color --input --no-input --socket --state --config --help --version'; names=0; files=0 ;;
    'daemon run') words=' --json --quiet --color --no-color --input --no-input --socket --state --config --help --version'; names=0; files=0 ;;
    'config list') words=' --show-origin --json --quiet --color --no-color --input --no-input --socket --state --config --help --version'; names=0; files=0 ;;
    'config') words=' list' ;;
    'completion') words='bash zsh fish names --json --quiet --color --no-color --input --no-input --socket --state --config --help --version'; names=0; files=0 ;;
    'api') words='GET POST PUT PATCH DELETE --data --json --quiet --color --no-color --input --no-input --socket --state --config --help --version'; names=0; files=0 ;;
    'help') words='environment exit-codes formatting kernels --json --quiet --color --no-color --input --no-input --socket --state --config --help --version'; names=0; files=0 ;;
    'version') words=' --json --quiet --color --no-color --input --no-input --socket --state --config --help --version'; names=0; files=0 ;;
  esac
  [ $names = 1 ] && words="$words $(timeout 0.3 mirage-deploy completion names 2>/dev/null)"
  COMPREPLY=($(compgen -W "$words" -- "$cur"))
  [ $files = 1 ] && IFS=$'\n' && COMPREPLY+=($(compgen -f -- "$cur"))
}
complete -o filenames -F _mirage_deploy mirage-deploy
