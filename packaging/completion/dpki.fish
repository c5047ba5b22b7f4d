complete -c dpki -f
complete -c dpki -n __fish_use_subcommand -a 'grant ssh revoke request explain deny known-hosts ssh-config log monitor witness zone device person identity ca deliver receive watch rotate org admin policy proposal guardian freeze recover distrust doctor network store mirror completion'
complete -c dpki -n '__fish_seen_subcommand_from witness' -a 'key run verify rotate'
complete -c dpki -n '__fish_seen_subcommand_from zone' -a 'create list show rekey policy'
complete -c dpki -n '__fish_seen_subcommand_from device' -a 'add manifest list show retire replace address move'
complete -c dpki -n '__fish_seen_subcommand_from person' -a 'add list show retire replace'
complete -c dpki -n '__fish_seen_subcommand_from identity' -a 'create request show'
complete -c dpki -n '__fish_seen_subcommand_from ca' -a 'create import prepare activate certify list retire revoke'
complete -c dpki -n '__fish_seen_subcommand_from deliver' -a 'user-key host-cert ca files list'
complete -c dpki -n '__fish_seen_subcommand_from watch' -a 'show sign submit'
complete -c dpki -n '__fish_seen_subcommand_from org' -a 'create join adopt show'
complete -c dpki -n '__fish_seen_subcommand_from admin' -a 'add list revoke request'
complete -c dpki -n '__fish_seen_subcommand_from policy' -a 'show set limit'
complete -c dpki -n '__fish_seen_subcommand_from proposal' -a 'create show approve attach submit'
complete -c dpki -n '__fish_seen_subcommand_from guardian' -a 'set show'
complete -c dpki -n '__fish_seen_subcommand_from recover' -a 'start approve finish veto'
complete -c dpki -n '__fish_seen_subcommand_from network' -a 'migrate show check announce deploy use'
complete -c dpki -n '__fish_seen_subcommand_from store' -a 'check gc token'
complete -c dpki -l home
complete -c dpki -l network
complete -c dpki -l org
complete -c dpki -l json
complete -c dpki -l dry-run
complete -c dpki -l yes
complete -c dpki -l quiet
complete -c dpki -l passphrase-file
complete -c dpki -l passphrase-fd
complete -c dpki -l account
complete -c dpki -l for
complete -c dpki -l key
complete -c dpki -l out
complete -c dpki -l command
complete -c dpki -l uncertified
complete -c dpki -l from
complete -c dpki -l sudo
complete -c dpki -l pty
complete -c dpki -l port-forwarding
complete -c dpki -l agent-forwarding
complete -c dpki -l x11-forwarding
complete -c dpki -l label
complete -c dpki -l device
complete -c dpki -l all
complete -c dpki -l address
complete -c dpki -l keep
complete -c dpki -l reason
complete -c dpki -l expires
complete -c dpki -l to
complete -c dpki -l anchor
complete -c dpki -l cert
complete -c dpki -l zone
complete -c dpki -l clear
complete -c dpki -l before-now
complete -c dpki -l export
complete -c dpki -l verify
complete -c dpki -l block
complete -c dpki -l witness
complete -c dpki -l agree
complete -c dpki -l open
complete -c dpki -l disclose
complete -c dpki -l segments
complete -c dpki -l rules
complete -c dpki -l state
complete -c dpki -l from-start
complete -c dpki -l once
complete -c dpki -l node
complete -c dpki -l listen
complete -c dpki -l every
complete -c dpki -l watchdog
complete -c dpki -l cosigners
complete -c dpki -l cosigned
complete -c dpki -l mode
complete -c dpki -l offline
complete -c dpki -l fresh
complete -c dpki -l privileged
complete -c dpki -l fingerprint
complete -c dpki -l vendor
complete -c dpki -l vendor-key
complete -c dpki -l sample
complete -c dpki -l skip-bad
complete -c dpki -l ready
complete -c dpki -l rekey
complete -c dpki -l grants
complete -c dpki -l no-rekey
complete -c dpki -l person
complete -c dpki -l chain-key
complete -c dpki -l signer
complete -c dpki -l name
complete -c dpki -l as
complete -c dpki -l recipient
complete -c dpki -l host
complete -c dpki -l elsewhere
complete -c dpki -l anyway
complete -c dpki -l replace
complete -c dpki -l on
complete -c dpki -l make-key
complete -c dpki -l missing
complete -c dpki -l each
complete -c dpki -l ahead
complete -c dpki -l new-key
complete -c dpki -l use
complete -c dpki -l path
complete -c dpki -l comparable
complete -c dpki -l watch
complete -c dpki -l compare
complete -c dpki -l due
complete -c dpki -l pull
complete -c dpki -l host-key-file
complete -c dpki -l root
complete -c dpki -l put
complete -c dpki -l revoke
complete -c dpki -l member
complete -c dpki -l approvals
complete -c dpki -l longest
complete -c dpki -l deadline
complete -c dpki -l sign
complete -c dpki -l typed
complete -c dpki -l unseen
complete -c dpki -l signature
complete -c dpki -l needed
complete -c dpki -l final
complete -c dpki -l timelock
complete -c dpki -l nobody
complete -c dpki -l threshold
complete -c dpki -l veto
complete -c dpki -l back
complete -c dpki -l successor
complete -c dpki -l repair
complete -c dpki -l wait
complete -c dpki -l unacknowledged
complete -c dpki -l dir
complete -c dpki -l memory
complete -c dpki -l disk
complete -c dpki -l rate
complete -c dpki -l verbose
