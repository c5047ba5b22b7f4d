_dpki() {
  local word=${COMP_WORDS[COMP_CWORD]} noun=${COMP_WORDS[1]}
  case $word in
  -*) COMPREPLY=($(compgen -W '--home --network --org --json --dry-run --yes --quiet --passphrase-file --passphrase-fd --account --for --key --out --command --uncertified --from --sudo --pty --port-forwarding --agent-forwarding --x11-forwarding --label --device --all --address --keep --reason --expires --to --anchor --cert --zone --clear --before-now --export --verify --block --witness --agree --open --disclose --segments --rules --state --from-start --once --node --listen --every --watchdog --cosigners --cosigned --mode --offline --fresh --privileged --fingerprint --vendor --vendor-key --sample --skip-bad --ready --rekey --grants --no-rekey --person --chain-key --signer --name --as --recipient --host --elsewhere --anyway --replace --on --make-key --missing --each --ahead --new-key --use --path --comparable --watch --compare --due --pull --host-key-file --root --put --revoke --member --approvals --longest --deadline --sign --typed --unseen --signature --needed --final --timelock --nobody --threshold --veto --back --successor --repair --wait --unacknowledged --dir --memory --disk --rate --verbose' -- "$word")); return ;;
  esac
  if [ "$COMP_CWORD" = 1 ]; then COMPREPLY=($(compgen -W 'grant ssh revoke request explain deny known-hosts ssh-config log monitor witness zone device person identity ca deliver receive watch rotate org admin policy proposal guardian freeze recover distrust doctor network store mirror completion' -- "$word")); return; fi
  case $noun in
  witness) COMPREPLY=($(compgen -W 'key run verify rotate' -- "$word")); return ;;
  zone) COMPREPLY=($(compgen -W 'create list show rekey policy' -- "$word")); return ;;
  device) COMPREPLY=($(compgen -W 'add manifest list show retire replace address move' -- "$word")); return ;;
  person) COMPREPLY=($(compgen -W 'add list show retire replace' -- "$word")); return ;;
  identity) COMPREPLY=($(compgen -W 'create request show' -- "$word")); return ;;
  ca) COMPREPLY=($(compgen -W 'create import prepare activate certify list retire revoke' -- "$word")); return ;;
  deliver) COMPREPLY=($(compgen -W 'user-key host-cert ca files list' -- "$word")); return ;;
  watch) COMPREPLY=($(compgen -W 'show sign submit' -- "$word")); return ;;
  org) COMPREPLY=($(compgen -W 'create join adopt show' -- "$word")); return ;;
  admin) COMPREPLY=($(compgen -W 'add list revoke request' -- "$word")); return ;;
  policy) COMPREPLY=($(compgen -W 'show set limit' -- "$word")); return ;;
  proposal) COMPREPLY=($(compgen -W 'create show approve attach submit' -- "$word")); return ;;
  guardian) COMPREPLY=($(compgen -W 'set show' -- "$word")); return ;;
  recover) COMPREPLY=($(compgen -W 'start approve finish veto' -- "$word")); return ;;
  network) COMPREPLY=($(compgen -W 'migrate show check announce deploy use' -- "$word")); return ;;
  store) COMPREPLY=($(compgen -W 'check gc token' -- "$word")); return ;;
  esac
  COMPREPLY=($(compgen -f -- "$word"))
}
complete -F _dpki dpki
