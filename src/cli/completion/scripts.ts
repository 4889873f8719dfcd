/** Completion scripts: each asks `berth __complete` for the words that fit, so they never need to change. */
export const completionScripts: Readonly<Record<string, string>> = {
  bash: `# bash completion for berth: source <(berth completion bash)
_berth() {
  local words line
  words=("\${COMP_WORDS[@]:1:COMP_CWORD}")
  COMPREPLY=()
  while IFS= read -r line; do COMPREPLY+=("$line"); done < <(berth __complete "\${words[@]}" 2>/dev/null | cut -f1)
  if [[ \${COMPREPLY[0]} == ":file" ]]; then COMPREPLY=($(compgen -f -- "\${COMP_WORDS[COMP_CWORD]}")); fi
  [[ \${COMPREPLY[0]} == *= ]] && compopt -o nospace
}
complete -F _berth berth
`,
  zsh: `#compdef berth
# zsh completion for berth: berth completion zsh > "\${fpath[1]}/_berth"
_berth() {
  local -a lines described
  local line
  lines=("\${(@f)$(berth __complete "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
  if [[ \${lines[1]} == ":file" ]]; then _files; return; fi
  for line in $lines; do
    [[ -n $line ]] && described+=("\${\${line%%$'\\t'*}//:/\\\\:}:\${line#*$'\\t'}")
  done
  _describe 'berth' described
}
compdef _berth berth
`,
  fish: `# fish completion for berth: berth completion fish > ~/.config/fish/completions/berth.fish
function __berth_complete
  set -l words (commandline -opc)[2..-1] (commandline -ct)
  set -l lines (berth __complete $words 2>/dev/null)
  if test "$lines[1]" = ":file"
    __fish_complete_path (commandline -ct)
  else
    printf '%s\\n' $lines
  end
end
complete -c berth -f -a '(__berth_complete)'
`,
};
