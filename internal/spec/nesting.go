package spec

import (
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// maxNesting is far beyond what anyone writes. The parser calls itself for each level and, in templates,
// takes time that doubles with it, so that a small file could exhaust the stack or the reader's patience.
const maxNesting = 64

// nested reports whether src is nested too deeply to be parsed, and says so.
func (l *loader) nested(src []byte, name string) bool {
	at, deep := tooDeep(src, name)
	if deep {
		l.errorf(at, "Nested too deeply", "Expected no more than %d brackets and templates inside each other, and no expression of a thousand words. Put parts of it into locals.", maxNesting)
	}
	return deep
}

// tooDeep finds the token at which src nests too deeply, if any: by brackets and templates, or by one
// expression of a thousand tokens, since operators make deep trees as well (!!!x, a ? b : c ? d : e, 1+1+1).
func tooDeep(src []byte, name string) (hcl.Range, bool) {
	tokens, _ := hclsyntax.LexConfig(src, name, hcl.InitialPos) // its errors come again when parsing
	var open []hclsyntax.TokenType
	chain := 0
	for _, tok := range tokens {
		switch tok.Type {
		case hclsyntax.TokenOBrace, hclsyntax.TokenOBrack, hclsyntax.TokenOParen, hclsyntax.TokenOQuote, hclsyntax.TokenOHeredoc,
			hclsyntax.TokenTemplateInterp, hclsyntax.TokenTemplateControl:
			open = append(open, tok.Type)
		case hclsyntax.TokenCBrace, hclsyntax.TokenCBrack, hclsyntax.TokenCParen, hclsyntax.TokenCQuote, hclsyntax.TokenCHeredoc,
			hclsyntax.TokenTemplateSeqEnd:
			if len(open) > 0 {
				open = open[:len(open)-1]
			}
		case hclsyntax.TokenNewline, hclsyntax.TokenComment:
			// Between braces a newline ends the expression; between other brackets it goes on.
			if len(open) == 0 || open[len(open)-1] == hclsyntax.TokenOBrace {
				chain = 0
			}
		case hclsyntax.TokenComma:
			chain = 0
		}
		if tok.Type != hclsyntax.TokenStringLit && tok.Type != hclsyntax.TokenQuotedLit {
			chain++
		}
		if len(open) > maxNesting || chain > 16*maxNesting {
			return tok.Range, true
		}
	}
	return hcl.Range{}, false
}
